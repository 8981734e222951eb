"""The paper's rubrics and the app's own questions in other languages than English.

What an organiser has written is shown as it was written. Each mark keeps the `language` of the page it was made on, and
the codebook has these texts, so that the record says what the artist read.
"""

from artgpt4.evaluation.rubrics import RUBRICS, Rubric

#: By language and axis; of `artgpt4.evaluation.rubrics`, text by text.
RUBRICS_IN: dict[str, dict[str, Rubric]] = {
    "zh": {
        rubric.axis: rubric
        for rubric in (
            Rubric(
                "IDC",
                "图像描述能力",
                "回答对这幅画描述得如何？",
                (
                    "完全没有描述这幅画。",
                    "描述的不是画中所见。",
                    "描述了画的一部分。",
                    "描述了整幅画，但没有任何鉴赏。",
                    "描述了整幅画，并像常人一样加以鉴赏。",
                    "描述了整幅画，鉴赏超过大多数人，有如艺术家。",
                ),
            ),
            Rubric(
                "ISAC",
                "图像情感分析能力",
                "回答对画中人物的情感和观者的情感说得如何？",
                (
                    "说不出这幅画有什么情感。",
                    "说出了合适的情感，但没有站得住的理由。",
                    "说出了合适的情感和理由，但不完善。",
                    "对画中人物或观者之一，完善地说出了情感和理由。",
                    "像常人一样，说出了全部情感和理由。",
                    "完善而有艺术性地说出了全部情感和理由。",
                ),
            ),
            Rubric(
                "ICRC",
                "图像内容识别能力",
                "回答对画中的物体和场景识别得如何？",
                (
                    "什么都没有识别出来。",
                    "识别出一些物体或场景，有严重的错误或遗漏。",
                    "识别出大部分物体和场景，有一些错误或遗漏。",
                    "识别出全部物体和场景，错误或遗漏很少。",
                    "像常人一样，准确而立即地识别出全部物体和场景。",
                    "准确而立即地识别出全部内容及其背景，胜过常人。",
                ),
            ),
            Rubric(
                "MDIUC",
                "多轮对话图像理解能力",
                "整段对话的回答对这幅画理解得如何？",
                (
                    "没有显出对画的任何理解。",
                    "部分理解了画，但没有把对话接下去。",
                    "有一定理解，也有一些连贯，但漏掉了要点。",
                    "理解了画，也接住了对话，有小的错误或误解。",
                    "准确理解了画，对话连贯。",
                    "准确理解了画，对话连贯，回答有创造性。",
                ),
            ),
        )
    }
}

#: By language; of `artgpt4.presets`.
QUESTIONS_IN: dict[str, dict[str, str]] = {
    "zh": {
        "What is in this picture?": "这幅画里有什么？",
        "Describe this picture in one sentence.": "用一句话描述这幅画。",
        "Describe this picture in detail, with the mood it has.": "详细描述这幅画，以及它的情调。",
        "Describe the colours and the light.": "描述色彩和光线。",
        "Which colours does it have?": "它有哪些颜色？",
        "Tell me more.": "再多说一些。",
        "Shorter, please.": "请说得短一些。",
        "Say it more poetically.": "说得更有诗意一些。",
        "What do the people in it feel?": "画中的人有什么感受？",
        "What does this picture make you feel?": "这幅画让你感受到什么？",
        "Analyze the emotions expressed by the individuals in the images as well as the emotions felt by the viewer "
        "observing them.": "分析画中人物所表达的情感，以及观者看到他们时的情感。",
        "Why does it feel like that?": "为什么有这样的感受？",
        "Which colour does that?": "是哪种颜色造成的？",
        "What would change its mood?": "什么会改变它的情调？",
        "How is this picture made?": "这幅画是怎样画成的？",
        "How would a curator describe it?": "策展人会怎样描述它？",
        "Give a formal analysis of this picture in one paragraph.": "用一段话对这幅画作形式分析。",
        "How would someone in mourning see it?": "哀悼的人会怎样看它？",
        "How would a child see it?": "孩子会怎样看它？",
        "How would someone in love see it?": "恋爱的人会怎样看它？",
        "Give this picture a title.": "给这幅画起个题目。",
        "Make a small web page with its colours.": "用它的颜色做一个小网页。",
    }
}


#: By language; of `artgpt4.ratings.results`, why a figure is undefined.
REASONS_IN: dict[str, dict[str, str]] = {
    "zh": {
        "nobody has scored anything yet": "还没有人打分",
        "not scored": "没有打分",
        "no answer has two scores": "没有哪个回答有两个分数",
        "all scores are the same, so there is nothing to agree on": "所有分数都相同，谈不上一致与否",
        "needs two artists and five answers that all of them scored": "需要两位艺术家，以及五个他们都评过的回答",
        "all scores are the same": "所有分数都相同",
        "the scores do not vary enough": "分数的变化不够",
        "nobody else scored the same answers": "没有别人评过同样的回答",
        "needs two artists and some scores": "需要两位艺术家和一些分数",
        "nobody has preferred one yet": "还没有人选出更好的一个",
        "not compared": "没有比较过",
        "some systems never lost to the others, or were not compared with them": "有的系统从未输过，或没有比较过",
    }
}


def reason_in(language: str, why: str) -> str:
    """Why a figure is undefined, in that language where there is a translation."""
    return REASONS_IN.get(language, {}).get(why, why)


def rubric_in(language: str, rubric: Rubric) -> Rubric:
    """The rubric in that language, if it is the paper's, word for word, and there is a translation; else itself."""
    is_the_papers = RUBRICS.get(rubric.axis) == rubric
    return RUBRICS_IN.get(language, {}).get(rubric.axis, rubric) if is_the_papers else rubric


def question_in(language: str, question: str) -> str:
    """The question in that language, if it is one of the app's own and there is a translation; else itself."""
    return QUESTIONS_IN.get(language, {}).get(question, question)
