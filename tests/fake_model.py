"""A model that needs no weights: it answers any question, at a pace a test can choose, and says when it was stopped."""

import time

from artgpt4.chat import Round


class FakeConversation:
    def __init__(self, model, picture):
        self.model, self.picture, self.rounds, self.closed = model, picture, [], False
        self.pictures = [picture]

    def ask(self, text, **parameters):
        return self._begin(self.rounds, text, parameters)

    def retry(self, **parameters):
        return self.edit(len(self.rounds) - 1, self.rounds[-1].question, **parameters)

    def edit(self, index, text, **parameters):
        return self._begin(self.rounds[:index], text, parameters)

    def _begin(self, earlier, text, parameters):
        self.rounds = [*earlier, Round(text)]
        return self._answer(text, parameters)

    def _answer(self, text, parameters):
        self.model.parameters.append(parameters)
        words = self.model.words(text, self.picture)
        self.model.at_work += 1
        try:
            for word in words:
                time.sleep(self.model.pause)
                self.rounds[-1].answer += word
                yield self.rounds[-1].answer
            self.rounds[-1].end = "said"
        finally:
            self.model.at_work -= 1

    def undo(self):
        self.rounds.pop()

    def stop(self):
        pass

    def close(self):
        self.closed = True

    def candidate_probabilities(self, picture, question, candidates):
        return dict.fromkeys(candidates, 1 / len(candidates))


class FakeModel:
    name, device, dtype = "fake", "cpu", "float32"
    description = "Not a model at all: it repeats what it is asked."

    def __init__(self, pause=0.0, words=lambda text, picture: ["You ", "asked: ", text]):
        self.pause, self.words, self.at_work, self.parameters, self.conversations = pause, words, 0, [], []

    def start(self, picture):
        self.conversations.append(FakeConversation(self, picture))
        return self.conversations[-1]
