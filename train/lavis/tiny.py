"""A BLIP-2 of toy size that LAVIS itself builds and runs: its zoo files, its answers, and what `export` makes of them.

    .venv-lavis/bin/python -m train.lavis.tiny FOLDER

is the half of `train.lavis.crosscheck` that runs in LAVIS' environment. It needs no network: what LAVIS and
transformers would download is written to where they look first. FOLDER then holds

    hub/checkpoints/     the zoo: EVA's tower, and BLIP-2's checkpoint as LAVIS' trainer saves it; and three others that
                         differ: with OPT behind it, after the first stage, and fine-tuned with its tower
    exported/            what `train.lavis.export` made of them
    dims.json            the sizes, for `artgpt4.convert`
    answers.pt           pixel_values [2, 3, 224, 224]; vision_hidden [2, 257, 48], after ln_vision;
                         query_output [2, 32, 32], all as float32
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from unittest import mock

import torch
from tokenizers import Tokenizer, models
from torch import nn
from transformers import BertConfig, OPTConfig, T5Config, T5TokenizerFast

from train.lavis import export
from train.lavis.modules import blip2, blip2_opt, blip2_qformer, blip2_t5, eva_vit

# All that differs from the published sizes.
VISION = {"embed_dim": 48, "depth": 3, "num_heads": 4}
QFORMER = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 64}

VisionTransformer = eva_vit.VisionTransformer


def main(folder: Path) -> None:
    folder = folder.resolve()
    with tiny_sizes():
        model = write_zoo(folder)
        torch.save(answers(model), folder / "answers.pt")
        export.main(["--out", str(folder / "exported")])
    vision = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "mlp_ratio": 4.3637}
    qformer = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "encoder_hidden_size": 48}
    (folder / "dims.json").write_text(json.dumps({"vision": vision, "qformer": qformer}))


@contextmanager
def tiny_sizes() -> Iterator[None]:
    """LAVIS' and export's constructors of the two towers, made to build small ones."""
    with (
        mock.patch.object(eva_vit, "VisionTransformer", lambda **sizes: VisionTransformer(**sizes | VISION)),
        mock.patch.object(export, "BertConfig", partial(BertConfig, **QFORMER)),
    ):
        yield


def write_zoo(folder: Path) -> nn.Module:
    """Writes the zoo's two files and lets torch find them -> LAVIS' BLIP-2, as it was when its checkpoint was saved."""
    torch.manual_seed(0)
    torch.hub.set_dir(folder / "hub")
    zoo = folder / "hub" / "checkpoints"
    zoo.mkdir(parents=True)

    # EVA's own file is in half precision, and holds what LAVIS leaves out: a last block, a norm, a classifier.
    tower = eva_vit.VisionTransformer(
        img_size=224, patch_size=14, mlp_ratio=4.3637, qkv_bias=True, use_mean_pooling=False
    )
    tower.blocks.append(eva_vit.Block(48, 4, mlp_ratio=4.3637, qkv_bias=True))
    tower.norm, tower.head = nn.LayerNorm(48), nn.Linear(48, 10)
    # Small enough that the norms' epsilons show in the result.
    shake(tower, 0.03)
    torch.save(tower.half().state_dict(), zoo / "eva_vit_g.pth")

    write_language_models(folder)
    # "bert-base-uncased" is then the folder of that name.
    os.chdir(folder)
    save(blip2_qformer.Blip2Qformer(vit_precision="fp32"), zoo / "blip2_pretrained.pth")
    save(blip2_opt.Blip2OPT(vit_precision="fp32", opt_model="opt"), zoo / "blip2_pretrained_opt2.7b.pth")
    tuned = blip2_t5.Blip2T5(vit_precision="fp32", t5_model="t5", freeze_vit=False)
    save(tuned, zoo / "blip2_caption_flant5xl.pth")
    model = blip2_t5.Blip2T5(vit_precision="fp32", t5_model="t5")
    shake(model, 0.15)
    save(model, zoo / "blip2_pretrained_flant5xxl.pth")
    return model.eval()


def save(model: nn.Module, file: Path) -> None:
    """Saves a checkpoint as LAVIS' trainer does (`RunnerBase._save_checkpoint`): without what is frozen.

    Of a frozen weight with several names, as T5's and OPT's embedding, it leaves out only one.
    """
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    state = {name: tensor for name, tensor in model.state_dict().items() if name not in frozen}
    torch.save({"model": state, "optimizer": {}, "config": {}, "scaler": None, "epoch": 0}, file)


def write_language_models(folder: Path) -> None:
    """The BERT that BLIP-2's Q-Former starts from and the T5 or OPT behind it, small and random."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    bert = BertConfig(
        vocab_size=len(words), encoder_width=48, add_cross_attention=True, cross_attention_freq=2, **QFORMER
    )
    blip2.BertLMHeadModel(bert).save_pretrained(folder / "bert-base-uncased")
    (folder / "bert-base-uncased" / "vocab.txt").write_text("\n".join(words))
    # Head and embedding apart, as in flan-T5.
    t5 = T5Config(vocab_size=3, d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=2, tie_word_embeddings=False)
    blip2_t5.T5ForConditionalGeneration(t5).save_pretrained(folder / "t5")
    tokenizer = Tokenizer(models.Unigram([("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)], unk_id=2))
    T5TokenizerFast(tokenizer_object=tokenizer, extra_ids=0).save_pretrained(folder / "t5")
    opt = OPTConfig(vocab_size=5, hidden_size=16, ffn_dim=16, num_hidden_layers=1, num_attention_heads=2)
    blip2_opt.OPTForCausalLM(opt).save_pretrained(folder / "opt")
    words = ["<s>", "<pad>", "</s>", "<unk>", "\N{LATIN CAPITAL LETTER C WITH DOT ABOVE}"]  # GPT-2's name of a new line
    (folder / "opt" / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "opt" / "merges.txt").write_text("#version: 0.2\n")


def shake(model: nn.Module, scale: float) -> None:
    """Moves what is to be trained off where it starts, lest two weights that start alike be taken for each other."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += scale * torch.randn_like(parameter)


def answers(model: nn.Module) -> dict[str, torch.Tensor]:
    """What LAVIS' BLIP-2 computes of two random pictures, as its `generate` does."""
    with torch.inference_mode():
        pixel_values = torch.randn(2, 3, 224, 224)
        vision_hidden = model.ln_vision(model.visual_encoder(pixel_values))
        query_output = model.Qformer.bert(
            query_embeds=model.query_tokens.expand(2, -1, -1),
            encoder_hidden_states=vision_hidden,
            encoder_attention_mask=torch.ones(vision_hidden.shape[:2], dtype=torch.long),
            return_dict=True,
        ).last_hidden_state
    return {"pixel_values": pixel_values, "vision_hidden": vision_hidden, "query_output": query_output}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
