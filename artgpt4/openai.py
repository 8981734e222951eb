"""A model behind an OpenAI-compatible server, such as vLLM: load("openai:http://host:8000/v1#name").

Many pages can share one such server. Its key, where it wants one, is read from ARTGPT4_ENDPOINT_KEY.
"""

import base64
import io
import json
import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence

import httpx
from PIL import Image

from artgpt4.chat import ChatError, Parameters, Round
from artgpt4.elsewhere import ConversationElsewhere, start
from artgpt4.images import open_picture

PREFIX = "openai:"
KEY = "ARTGPT4_ENDPOINT_KEY"
#: Pixels on the longer side of what is sent; engines scale larger pictures down themselves.
LARGEST_SIDE = 1344
#: Seconds to connect, and between two pieces of an answer: a long prompt may wait for its turn there.
_TIMEOUT = httpx.Timeout(60, connect=10)
#: How many of the likeliest first tokens a server is asked for (the protocol's most), and the probability that those
#: which begin a candidate must have together: the chances of what is left would be a matter of luck.
TOP_LOGPROBS, LEAST_SEEN = 20, 0.5
#: No token of any tokenizer is longer on average; a server that goes on regardless is cut off.
_CHARACTERS_PER_TOKEN = 40

_log = logging.getLogger(__name__)


class OpenAIModel:
    """A model that a server elsewhere runs; to the page it is like `artgpt4.chat.ChatModel`.

    Args:
        address: openai:URL#NAME, the URL up to and without /chat/completions. Without a name, the only model there is.

    Raises:
        ValueError: this is no such address, the server cannot be asked, or it has no such model.
    """

    device, dtype = "a server elsewhere", "as it is served"

    def __init__(self, address: str):
        url, _, name = address.removeprefix(PREFIX).partition("#")
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"{address!r} is no address; give openai:http://host:port/v1#name.")
        key = os.environ.get(KEY)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=url.rstrip("/") + "/", headers=headers, timeout=_TIMEOUT)
        self.name = name or self._only_model(url)
        self.description = f"{self.name}, on an OpenAI-compatible server."
        if name and name not in (there := self._models(url)):
            raise ValueError(f"{url} has no model {name!r}; it has {', '.join(there) or 'none'}.")

    def start(self, picture) -> ConversationElsewhere:
        """Opens a conversation about a picture. Raises PictureError: it cannot be used."""
        return start(self, picture)

    def stream(
        self, picture: Image.Image, rounds: Sequence[Round], parameters: Parameters
    ) -> Iterator[tuple[str, str, int]]:
        """See `ModelElsewhere.stream`. Closing the iterator closes the connection, by which the server stops, too."""
        if parameters.num_beams > 1:
            raise ChatError("parameter", "num_beams must be 1: this model's server does not offer beams.")
        text, tokens, end = "", 0, ""
        try:
            with self._http.stream("POST", "chat/completions", json=self._body(picture, rounds, parameters)) as answer:
                if answer.status_code != 200:
                    answer.read()
                    raise _refusal(answer)
                for chunk in _chunks(answer):
                    if usage := chunk.get("usage"):
                        tokens = usage.get("completion_tokens", tokens)
                    for choice in chunk.get("choices") or []:
                        piece = choice.get("delta", {}).get("content") or ""
                        text, tokens = text + piece, tokens + bool(piece)
                        end = {"length": "length", None: end}.get(choice.get("finish_reason"), "said")
                    if len(text) > _CHARACTERS_PER_TOKEN * parameters.max_new_tokens:
                        yield text, "length", tokens
                        return
                    yield text.strip() if end else text.lstrip(), "", tokens
        except (httpx.HTTPError, ValueError, LookupError, TypeError, AttributeError) as error:
            if isinstance(error, ChatError):
                raise
            _log.error("The server of %s gave no answer", self.name, exc_info=error)
            raise ChatError(
                "unreachable", "The server that runs this model gave no whole answer. Try again in a minute."
            ) from error
        if not end:
            raise ChatError("unreachable", "The server that runs this model broke off. Try again in a minute.")
        yield text.strip(), end, tokens

    def candidate_probabilities(self, picture, question: str, candidates: Mapping | Sequence) -> dict[str, float]:
        """p(candidate | picture, question), by the first token of the answer when it shall be one of the candidates.

        A token counts for the candidate that alone begins with it; one that fits two counts for neither.

        Args:
            picture: its bytes, its path or the picture.
            candidates: the labels; their phrasings, where there are any, are not looked at.

        Raises:
            PictureError: the picture cannot be used.
            ChatError: the server tells no probabilities, the model begins otherwise, or it could not be asked.
        """
        labels, picture = list(candidates), open_picture(picture)
        asked = f"{question} Answer with one of these, and with nothing else: {', '.join(labels)}."
        # At a temperature of 1 it does not matter whether an engine tells the probabilities before or after it.
        body = self._body(picture, [Round(asked)], Parameters(temperature=1.0, top_p=1.0, max_new_tokens=1))
        body |= {"stream": False, "logprobs": True, "top_logprobs": TOP_LOGPROBS}
        del body["stream_options"], body["seed"]
        try:
            answer = self._http.post("chat/completions", json=body)
            if answer.status_code in (429, 503):
                raise _refusal(answer)
            tokens = answer.raise_for_status().json()["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
            likely = [(token["token"].strip().lower(), math.exp(token["logprob"])) for token in tokens]
        except httpx.TransportError as error:
            raise ChatError(
                "unreachable", "The server that runs this model gave no whole answer. Try again in a minute."
            ) from error
        except (httpx.HTTPStatusError, ValueError, LookupError, TypeError, AttributeError) as error:
            if isinstance(error, ChatError):
                raise
            raise ChatError(
                "not_offered", "This model runs on another server, which does not say how likely it finds each word."
            ) from error
        weights = dict.fromkeys(labels, 0.0)
        for token, p in likely:
            meant = [label for label in labels if token and label.lower().startswith(token)]
            if len(meant) == 1:
                weights[meant[0]] += p
        total = sum(weights.values())
        if total < LEAST_SEEN:
            raise ChatError(
                "not_said", f"Asked for one of {len(labels)} words, this model would mostly say something else."
            )
        return {label: weight / total for label, weight in weights.items()}

    def _body(self, picture: Image.Image, rounds: Sequence[Round], parameters: Parameters) -> dict:
        first, *others = rounds
        image = {"type": "image_url", "image_url": {"url": _data_url(picture)}}
        messages = [{"role": "user", "content": [image, {"type": "text", "text": first.question}]}]
        for before, round in zip(rounds, others, strict=False):
            messages += [{"role": "assistant", "content": before.answer}, {"role": "user", "content": round.question}]
        body = {
            "model": self.name,
            "messages": messages,
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": parameters.temperature,
            "top_p": parameters.top_p,
            "max_tokens": parameters.max_new_tokens,
            "seed": parameters.seed,
        }
        if parameters.repetition_penalty > 1:  # vLLM's own; others refuse what they do not know
            body["repetition_penalty"] = parameters.repetition_penalty
        return body

    def _models(self, url: str) -> list[str]:
        try:
            answer = self._http.get("models").raise_for_status()
            return [model["id"] for model in answer.json()["data"]]
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
            raise ValueError(
                f"The server {url} does not say which models it has ({type(error).__name__}: {error}); is it running, "
                f"and is {KEY} right?"
            ) from error

    def _only_model(self, url: str) -> str:
        models = self._models(url)
        if len(models) != 1:
            raise ValueError(
                f"{url} has {len(models)} models; name one: openai:{url}#{models[0] if models else 'NAME'}."
            )
        return models[0]


def _chunks(answer: httpx.Response) -> Iterator[dict]:
    """The server-sent events of a streamed completion."""
    for line in answer.iter_lines():
        data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
        if data == "[DONE]":
            return
        if data:
            chunk = json.loads(data)
            if "error" in chunk:
                raise ValueError(str(chunk["error"]))
            yield chunk


def _refusal(answer: httpx.Response) -> ChatError:
    """What to tell the visitor; the log has what the server said."""
    said = answer.text[:1000]
    _log.error("The server answered %s: %s", answer.status_code, said)
    if answer.status_code == 400 and ("context" in said or "token" in said):
        return ChatError("too_long", "This conversation is longer than the model can read. Start a new one.")
    if answer.status_code in (429, 503):
        return ChatError("busy", "The server that runs this model has too much to do. Try again in a minute.")
    return ChatError("refused", f"The server that runs this model refused the question ({answer.status_code}).")


def _data_url(picture: Image.Image) -> str:
    sent, buffer = picture.copy(), io.BytesIO()
    sent.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    sent.save(buffer, "JPEG", quality=92)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
