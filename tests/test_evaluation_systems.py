"""Other systems: tiny random models of each family, saved and loaded as real ones are, and a server of our own."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    BertTokenizerFast,
    CLIPImageProcessor,
    GitConfig,
    GitForCausalLM,
    GitProcessor,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    ViltConfig,
    ViltForQuestionAnswering,
    ViltImageProcessor,
    ViltProcessor,
)

from artgpt4.evaluation import published
from artgpt4.evaluation.__main__ import main
from artgpt4.evaluation.benchmarks import Item, read_predictions, write_artmm_jsonl
from artgpt4.evaluation.systems import SYSTEMS, Endpoint, SystemUnavailable, open_system, systems_table
from artgpt4.images import open_picture
from artgpt4.loading import MINI

PICTURES = sorted((Path(__file__).parents[1] / "examples").glob("*.jpg"))[:3]
ROUNDS = (("what is in it", "why"), ("why",), ("a title for it please",))
WORDS = "what is in it why a title for please user assistant the sea sky tree red blue calm storm".split()
TEMPLATE = (
    "{% for message in messages %}{{ message.role }} {% for part in message.content %}"
    "{% if part.type == 'image' %}<image> {% else %}{{ part.text }} {% endif %}{% endfor %}{% endfor %}assistant"
)
CLIP = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
SMALL = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}


@pytest.fixture(scope="module")
def pictures():
    return [open_picture(path) for path in PICTURES]


def saved(folder, model, processor):
    # Random weights drawn wide, so that answers differ between pictures.
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" not in name.lower() and parameter.dim() > 1:
                parameter.normal_(std=0.3)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def llava(tmp_path_factory):
    torch.manual_seed(0)
    names = ["<unk>", "<s>", "</s>", "<image>", *WORDS]
    tokenizer = Tokenizer(models.WordLevel({name: number for number, name in enumerate(names)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        extra_special_tokens={"image_token": "<image>"},
    )
    config = LlavaConfig(
        vision_config={"model_type": "clip_vision_model", "image_size": 32, "patch_size": 16, **SMALL},
        text_config={"model_type": "llama", "vocab_size": len(names), "eos_token_id": 2, "bos_token_id": 1, **SMALL},
        image_token_index=3,
    )
    processor = LlavaProcessor(
        CLIPImageProcessor(**CLIP),
        fast,
        patch_size=16,
        vision_feature_select_strategy="default",
        chat_template=TEMPLATE,
        num_additional_image_tokens=1,
    )
    return saved(tmp_path_factory.mktemp("llava"), LlavaForConditionalGeneration(config), processor)


def bert_tokenizer(folder):
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    return BertTokenizerFast(vocab={name: number for number, name in enumerate(names)}), len(names)


@pytest.fixture(scope="module")
def git(tmp_path_factory):
    torch.manual_seed(0)
    tokenizer, size = bert_tokenizer(tmp_path_factory.mktemp("vocabulary"))
    config = GitConfig(vision_config={"image_size": 32, "patch_size": 16, **SMALL}, vocab_size=size, **SMALL)
    processor = GitProcessor(CLIPImageProcessor(**CLIP), tokenizer)
    return saved(tmp_path_factory.mktemp("git"), GitForCausalLM(config), processor)


@pytest.fixture(scope="module")
def vilt(tmp_path_factory):
    torch.manual_seed(0)
    tokenizer, size = bert_tokenizer(tmp_path_factory.mktemp("vocabulary"))
    answers = dict(enumerate(WORDS))
    config = ViltConfig(image_size=32, patch_size=16, vocab_size=size, id2label=answers, **SMALL)
    processor = ViltProcessor(ViltImageProcessor(size={"shortest_edge": 32}, size_divisor=16), tokenizer)
    return saved(tmp_path_factory.mktemp("vilt"), ViltForQuestionAnswering(config), processor)


class Server(ThreadingHTTPServer):
    """Says how many messages it was sent and the last question; fails as often as it is told to."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests, self.failures, self.status = [], 0, 503

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, self.headers.get("Authorization"), body))
        if self.server.failures:
            self.server.failures -= 1
            status, reply = self.server.status, {"error": "not now"}
        else:
            question = body["messages"][-1]["content"][-1]["text"]
            said = {"content": f" {len(body['messages'])} {question} "}
            if question == "forbidden":
                said = {"content": None, "refusal": "I will not."}
            status, reply = 200, {"choices": [{"message": said}]}
        content = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    running = Server()
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


def test_llava_answers_a_batch_as_each_dialogue_alone(llava, pictures):
    system = open_system("llava", llava, "cpu", max_new_tokens=6)
    together = system.answer(pictures, ROUNDS)
    alone = [system.answer([picture], [rounds])[0] for picture, rounds in zip(pictures, ROUNDS, strict=True)]
    assert together == alone
    assert [len(answers) for answers in together] == [2, 1, 1]
    assert all(word in WORDS for answers in together for text in answers for word in text.split())
    assert any(text for answers in together for text in answers)


def test_llava_sees_the_picture_and_what_was_said(llava, pictures):
    system = open_system("transformers", llava, "cpu", max_new_tokens=6)
    one_question = [("why",)] * 3
    assert len({tuple(answers) for answers in system.answer(pictures, one_question)}) > 1
    second = [system.answer(pictures[:1], [(first, "why")])[0][1] for first in ("what is in it", "a title", "red sea")]
    assert len(set(second)) > 1


def test_git_captions_whatever_is_asked(git, pictures):
    system = open_system("git", git, "cpu", max_new_tokens=6)
    answers = system.answer(pictures, ROUNDS)
    assert [len(of_picture) for of_picture in answers] == [2, 1, 1]
    assert answers[0][0] == answers[0][1] == system.answer(pictures[:1], [("red",)])[0][0]
    assert answers == [system.answer([picture], [rounds])[0] for picture, rounds in zip(pictures, ROUNDS, strict=True)]
    assert len({of_picture[0] for of_picture in answers}) > 1
    assert system.about()["reads_the_question"] is False


def test_vilt_answers_each_question_with_one_of_its_labels(vilt, pictures):
    system = open_system("vilt", vilt, "cpu")
    answers = system.answer(pictures, ROUNDS)
    assert [len(of_picture) for of_picture in answers] == [2, 1, 1]
    assert all(text in WORDS for of_picture in answers for text in of_picture)
    assert answers[0][1] == system.answer(pictures[:1], [("why",)])[0][0]
    system.answer(pictures[:1], [("why " * 100,)])  # longer than it reads: cut


@pytest.mark.parametrize("name", ["git", "vilt", "transformers"])
def test_a_model_of_another_family_is_refused(name, llava, git, vilt):
    other = {"git": llava, "vilt": git, "transformers": git}[name]
    with pytest.raises(SystemUnavailable, match=r"family|chat template|cannot be loaded"):
        open_system(name, other, "cpu")


def test_a_server_is_sent_picture_and_dialogue_and_the_key(server, pictures, monkeypatch):
    monkeypatch.setenv("ARTGPT4_ENDPOINT_KEY", "secret")
    system = open_system("gpt-4", "a-model", max_new_tokens=9, url=server.url)
    assert system.answer(pictures, ROUNDS) == [["1 what is in it", "3 why"], ["1 why"], ["1 a title for it please"]]
    assert len(server.requests) == 4
    assert {(path, key) for path, key, _ in server.requests} == {("/v1/chat/completions", "Bearer secret")}
    last = server.requests[-1][2]
    assert last["model"] == "a-model" and last["max_tokens"] == 9 and last["temperature"] == 0
    assert [message["role"] for message in last["messages"]] == ["user", "assistant", "user"]
    assert last["messages"][0]["content"][0]["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert "secret" not in json.dumps(system.about())


def test_a_refusal_is_an_answer_and_a_busy_server_is_asked_again(server, pictures):
    system = Endpoint("m", server.url, pause=0.01)
    server.failures = 2
    assert system.answer(pictures[:1], [("forbidden",)]) == [["I will not."]]
    assert len(server.requests) == 3


@pytest.mark.parametrize(("status", "asked", "said"), [(503, 2, "in 2 attempts"), (401, 1, "answered 401")])
def test_a_server_that_does_not_answer_is_named_with_its_reason(server, pictures, status, asked, said):
    server.failures, server.status = 9, status
    with pytest.raises(SystemUnavailable, match=said):
        Endpoint("m", server.url, attempts=2, pause=0.01).answer(pictures[:1], [("why",)])
    assert len(server.requests) == asked


def test_only_a_servers_address_is_opened(tmp_path, pictures):
    (tmp_path / "chat").mkdir()
    (tmp_path / "chat" / "completions").write_text('{"choices": [{"message": {"content": "a file"}}]}')
    with pytest.raises(SystemUnavailable, match="must begin with http"):
        Endpoint("m", tmp_path.as_uri()).answer(pictures[:1], [("why",)])


def test_every_system_of_the_papers_tables_has_an_entry_and_its_rows():
    for name in ("artemis", "artmm", "first_preprint", "painting_form"):
        for row in published.table(name):
            if row.get("table", "1") == "1":
                holders = [key for key, entry in SYSTEMS.items() if row["system"] in entry.printed]
                assert len(holders) == 1, row["system"]
                assert {"benchmark": name} | row in SYSTEMS[holders[0]].published_rows()
    text = systems_table()
    assert all(f"| {name} |" in text for name in SYSTEMS)
    assert "vader_v1 0.105" in next(line for line in text.splitlines() if line.startswith("| visualgpt"))


def test_what_cannot_run_says_what_to_do():
    for name, entry in SYSTEMS.items():
        if entry.open is None:
            with pytest.raises(SystemUnavailable, match="score --predictions"):
                open_system(name)
    for name, model, said in (
        ("nobody", None, "there are: artgpt4"),
        ("endpoint", None, "--model"),
        ("endpoint", "m", "--url"),
        ("transformers", "no-such-folder/at-all/anywhere", "cannot be loaded"),
        ("minigpt4", str(MINI), "brings an adapter"),
    ):
        with pytest.raises(SystemUnavailable, match=said):
            open_system(name, model, "cpu")


def test_minigpt4_is_the_base_alone(pictures):
    assert open_system("minigpt4", device="cpu").about()["adapter"] is False
    assert open_system("artgpt4", device="cpu").about()["adapter"] is True


def test_the_command_lets_a_named_system_answer_and_writes_emotions(git, tmp_path):
    items = [Item(path.stem, path.name, ("Describe it.",), axis="IDC") for path in PICTURES]
    write_artmm_jsonl(items, tmp_path / "artmm.jsonl")
    start = ["generate", "artmm", "--data", str(tmp_path / "artmm.jsonl"), "--pictures", str(PICTURES[0].parent)]
    start += ["--device", "cpu", "--max-new-tokens", "4"]
    main([*start, "--system", "git", "--model", git, "--out", str(tmp_path / "git.jsonl")])
    assert [prediction.id for prediction in read_predictions(tmp_path / "git.jsonl")] == [item.id for item in items]
    with pytest.raises(SystemExit, match="--emotions needs"):
        main([*start, "--system", "git", "--model", git, "--out", str(tmp_path / "no.jsonl"), "--emotions"])
    assert not (tmp_path / "no.jsonl").exists()
    main([*start, "--out", str(tmp_path / "ours.jsonl"), "--emotions"])
    for prediction in read_predictions(tmp_path / "ours.jsonl"):
        assert len(prediction.emotion) == 9 and sum(prediction.emotion.values()) == pytest.approx(1)
