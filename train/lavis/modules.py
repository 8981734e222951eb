"""LAVIS' own BLIP-2 modules, imported without the rest of LAVIS.

`import lavis` imports every model, data set and task that there is, and for them spacy, decord, OpenCV, the COCO tools
and more. BLIP-2 uses none of these, so that its modules are imported here with empty packages above them.
"""

import importlib.util
import sys
import types
import warnings

if importlib.util.find_spec("lavis") is None:
    sys.exit(
        "LAVIS is not installed here: it needs an environment of its own. Make it, and run this with its Python:\n"
        "    python -m train.lavis.environment .venv-lavis\n"
        "    .venv-lavis/bin/python -m train.lavis.export --out FOLDER"
    )

LAVIS_FOLDER = importlib.util.find_spec("lavis").submodule_search_locations[0]
for name in ("lavis", "lavis.models"):
    package = types.ModuleType(name)
    package.__path__ = [f"{LAVIS_FOLDER}/{name[6:]}"]
    sys.modules[name] = package

# timm imports torchvision, which has no build for torch without CUDA. The published one loads there as well, but for
# the shapes that it registers for its compiled operators, which are not loaded then. BLIP-2 uses none of them.
sys.modules["torchvision._meta_registrations"] = types.ModuleType("torchvision._meta_registrations")

with warnings.catch_warnings():
    # fairscale and timm are older than what torch now advises.
    warnings.simplefilter("ignore")
    # LAVIS registers its models by their base class, which it looks for here.
    sys.modules["lavis.models"].BaseModel = importlib.import_module("lavis.models.base_model").BaseModel
    eva_vit = importlib.import_module("lavis.models.eva_vit")
    blip2 = importlib.import_module("lavis.models.blip2_models.blip2")
    blip2_opt = importlib.import_module("lavis.models.blip2_models.blip2_opt")
    blip2_qformer = importlib.import_module("lavis.models.blip2_models.blip2_qformer")
    blip2_t5 = importlib.import_module("lavis.models.blip2_models.blip2_t5")
