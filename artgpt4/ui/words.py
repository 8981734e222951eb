"""What the page says, in English where it is said, and here in Chinese.

Messages of the picture's door and of the chat are told apart by their codes; all others by their English text.
"""

import re
from concurrent.futures import Future

LANGUAGES = ("en", "zh")

CHINESE: dict[str, str] = {
    # masthead
    "# ArtGPT-4\nTalk about a picture, and what it makes you feel.": "# ArtGPT-4\n聊聊一幅画，以及它带给你的感受。",
    "中文": "English",
    "**{name}** is loading …": "正在加载 **{name}** ……",
    "{name} is still loading …": "{name} 仍在加载……",
    "{done} of {total} MB fetched, {share} %": "已下载 {done} / {total} MB（{share}%）",
    "**{name}** could not be loaded.": "无法加载 **{name}**。",
    "A toy of {size} parameters, trained from scratch on pictures painted by program. It can tell such a picture's "
    "subject, colours, light and mood; what it says about real art is not to be relied on.": (
        "一个 {size}参数的玩具模型，只用程序画的图片从零训练。"
        "它能认出这类图片的题材、色彩、光线和气氛；对真实艺术作品的话不可当真。"
    ),
    "{family} of {size} parameters{method}.": "{family}，{size}参数{method}。",
    "Answers are in the language that the model was trained in.": "模型用英文训练，问题和回答请用英文。",
    # the picture
    "Picture": "图片",
    "Drop a picture here\nor tap to choose one,\nor take an example": "把图片拖到这里\n或点按选择\n或选一幅示例",
    "The picture you are talking about": "正在谈论的图片",
    "Examples": "示例",
    "Larger": "放大",
    "Smaller": "缩小",
    "Whole picture": "整幅图片",
    "This file is larger than 20 MB. Save the picture smaller and try again.": (
        "文件超过 20 MB。请把图片存小一些再试。"
    ),
    # the talk
    "Conversation": "对话",
    "Choose a picture, then ask what you like.": "先选一幅图片，再随意提问。",
    "Your question": "你的问题",
    "Ask about the picture …": "就这幅图片提问……",
    "Send": "发送",
    "Stop": "停止",
    "Try again": "重新回答",
    "Undo": "撤回",
    "Clear": "清空",
    "Previous variant": "上一版本",
    "Next variant": "下一版本",
    "Variant {variant} of {count}": "第 {variant} 版，共 {count} 版",
    "(no answer)": "（没有回答）",
    "Questions to ask: tap to fill in, tap again to send": "可以这样问：点一下填入，再点一下发送",
    "And now": "接着问",
    # what the chips are about, and the chips
    "What is there": "画里有什么",
    "What the people in it feel": "画中人的感受",
    "What you may feel": "你的感受",
    "How it is made": "怎样画成",
    "Formal analysis": "形式分析",
    "Another view": "换个眼光",
    "A title": "标题",
    "A web page": "网页",
    "What is in it?": "画了什么？",
    "In short": "一句话",
    "In full": "详细说",
    "Colours and light": "色彩与光线",
    "Which colours?": "有哪些颜色？",
    "Tell me more": "再多说些",
    "Shorter, please": "短一点",
    "More poetically": "更有诗意",
    "The people": "画中人",
    "What does it make you feel?": "它让你感受到什么？",
    "Those in it, and those who look": "画中人与观者",
    "And why?": "为什么？",
    "Which colour?": "是哪种颜色？",
    "Another mood": "另一种情绪",
    "How is it made?": "怎样画成的？",
    "A curator's words": "策展人的话",
    "By its means alone": "只谈形式",
    "In mourning": "哀悼的人",
    "A child": "孩子",
    "In love": "恋爱的人",
    "A page in its colours": "用它的颜色做网页",
    # parameters
    "Parameters": "参数",
    "Temperature": "温度",
    "0: always the likeliest word": "0：总取最可能的词",
    "Top-p": "Top-p",
    "share of the likely words to choose from": "从多大比例的可能词中选",
    "Longest answer": "最长回答",
    "in tokens": "以词元计",
    "Repetition penalty": "重复惩罚",
    "1: none": "1：无",
    "Beams": "束数",
    "above 1, nothing shows until the end": "大于 1 时，结束前不显示",
    "Seed": "随机种子",
    "0: another answer each time": "0：每次不同",
    # beside the answer
    "Where it looked": "它看了哪里",
    "What the picture evokes": "画面唤起的情感",
    "How likely the model finds each answer to “What does this picture make you feel?”": (
        "对“这幅画让你感受到什么？”，模型认为每种回答的可能性"
    ),
    "The colours it speaks of": "它谈到的颜色",
    "not found in the picture": "画面中没有",
    "{share} of the picture": "占画面的 {share}",
    "This answer": "这次回答",
    "{tokens} tokens in {seconds} s, seed {seed}": "{tokens} 个词元，{seconds} 秒，种子 {seed}",
    "The web page it wrote": "它写的网页",
    "Download": "下载",
    "Show it": "显示网页",
    "It is shown without scripts and without a network.": "显示时没有脚本，也没有网络。",
    "The whole answer": "整个回答",
    "This sentence": "这一句",
    "Bright: where the model looked while it said this. It does not tell why it said so.": (
        "亮处是模型说出这段话时所看的地方；这并不说明它为什么这样说。"
    ),
    "For a word or a sentence: the parts of the picture that mattered most for it.": (
        "选词或句时：亮处是画面中对它影响最大的部分。"
    ),
    "Choose a word, a sentence or the whole answer.": "选择一个词、一句或整个回答。",
    "There is nothing to look at yet.": "还没有可看的内容。",
    "It cannot be worked out for this picture. {sentence}": "无法为这幅图片计算。{sentence}",
    "It cannot be worked out for this answer. {sentence}": "无法为这次回答计算。{sentence}",
    "amusement": "愉悦",
    "awe": "敬畏",
    "contentment": "满足",
    "excitement": "兴奋",
    "anger": "愤怒",
    "disgust": "厌恶",
    "fear": "恐惧",
    "sadness": "悲伤",
    "something else": "其他",
    # what a visitor is told
    "Stopped.": "已停止。",
    "The answer was cut off at the greatest length allowed.": "回答达到允许的最大长度，被截断。",
    "The answer took longer than it may here, and was ended.": "回答超过了这里允许的时间，已被结束。",
    "The conversation has become longer than the model can read. Rounds left out at its beginning: {rounds}. The "
    "picture was not.": "对话超出了模型能读的长度：最前面的 {rounds} 轮已略去，图片仍在。",
    "Write a question first, or tap one of the suggestions.": "请先写一个问题，或点一个建议。",
    "There is no answer yet to try again.": "还没有可以重来的回答。",
    "That question is no longer there.": "那个问题已经不在了。",
    "The last answer is still being written. Wait for it, or stop it.": "上一个回答还在写。请等待，或停止它。",
    "The last answer is still being written. Stop it first.": "上一个回答还在写。请先停止它。",
    "Choose a picture first: drop one in, or take one of the examples.": "请先选一幅图片：拖进来，或选一幅示例。",
    "There is nothing to take back.": "没有可以撤回的内容。",
    "Something went wrong on the server, and its log tells what (error {number}). Try again; if it stays, tell whoever "
    "runs this page that number.": (
        "服务器出了问题，日志中有记录（错误 {number}）。请重试；若仍不行，请把编号告诉网站负责人。"
    ),
    "(Error {number} in the log.)": "（日志错误 {number}。）",
    "Your question was not taken: too many are waiting just now, or a parameter is out of its range. It is in the box "
    "again; send it in a moment.": "你的问题没有被接受：排队的太多，或有参数超出范围。它已放回输入框，请稍后再发。",
    "{before} questions are before yours: it will wait for about {seconds} s.": (
        "前面还有 {before} 个问题，大约要等 {seconds} 秒。"
    ),
    # keeping a talk
    "Keep this talk": "保存这次对话",
    "Download as a web page": "下载为网页",
    "Download as Markdown": "下载为 Markdown",
    "Download as JSON": "下载为 JSON",
    "Make a read-only link": "生成只读链接",
    "Link to read it": "阅读链接",
    "To withdraw it, open this one: keep it to yourself": "撤回链接（请自己保管，打开即可撤回）",
    "Let me go on with it another day, in this browser (kept on the server for 30 days)": (
        "让我改天在这个浏览器里继续（在服务器上保存 30 天）"
    ),
    "Go on with it": "继续",
    "Forget it": "删除",
    "A talk of {day} is kept for this browser.": "已为这个浏览器保存了 {day} 的对话。",
    "The link shows the talk as it is now, to whoever has it, for {days} days.": (
        "任何拿到链接的人在 {days} 天内都能看到此刻的对话。"
    ),
    "Your talk and its picture are kept on the server for {days} days, for this browser only.": (
        "你的对话和图片将在服务器上为这个浏览器保存 {days} 天。"
    ),
    "Nothing of your talk is kept any more.": "你的对话已不再保存。",
    "There is nothing to keep yet. Ask a question first.": "还没有可保存的内容。请先提问。",
    "That is as many links as one page can make. Download the talk instead.": "链接数量已达上限。请改为下载对话。",
    "There is no room left on the server to keep talks. Download this one instead.": "服务器没有空间了。请改为下载。",
    "The server cannot keep talks just now. Download this one instead.": "服务器暂时无法保存对话。请改为下载。",
    # further pictures
    "Further pictures": "更多图片",
    "Add another picture": "再加一幅图片",
    "Drop a picture here\nor tap to choose one": "把图片拖到这里\n或点按选择",
    "A further picture": "另一幅图片",
    "Pictures of this talk": "这次对话的图片",
    "The next question is about all of them.": "下一个问题将针对所有这些图片。",
    "Choose a first picture for the talk, then add others.": "请先选第一幅图片，再添加其他图片。",
    "There can be 4 pictures in one talk. Clear it to begin another.": "一次对话最多 4 幅图片。请清空后重新开始。",
    "Ask about several pictures at once, such as *Which is sadder?* Models of this kind have learnt from one picture "
    "at a time and are likely to fail at it; what the table says comes from looking at each picture alone.": (
        "可以同时问几幅图片，例如“哪一幅更悲伤？”这类模型只学过一次看一幅图片，很可能答错；下表来自对每幅图片单独的判断。"
    ),
    "Each picture alone": "每幅图片单独看",
    "Picture {number}": "图片 {number}",
    # two models compared
    "Talk": "聊画",
    "Compare": "比较",
    "# Compare\nOne question to two models. Which of them is A is drawn by lot; vote, and see who it was.": (
        "# 比较\n同一个问题问两个模型。谁是甲由抽签决定；投票后揭晓。"
    ),
    "The picture that both are asked about": "问两个模型的图片",
    "Question to both": "问两个模型的问题",
    "Ask about the picture, or take a suggestion …": "就这幅图片提问，或选一个建议……",
    "Answer A": "回答甲",
    "Answer B": "回答乙",
    "A is better": "甲更好",
    "B is better": "乙更好",
    "A tie": "不分上下",
    "Both are bad": "都不好",
    "Choose a picture first.": "请先选一幅图片。",
    "Write a question first.": "请先写一个问题。",
    "The models are loading …": "模型正在加载……",
    "Which answer is better?": "哪个回答更好？",
    "Both say the very same. Which is better?": "两个回答完全相同。哪个更好？",
    "There is nothing to vote on. Ask a question first.": "还没有可投票的回答。请先提问。",
    "Thank you, your vote is counted.": "谢谢，你的投票已计入。",
    "Your vote could not be written down.": "你的投票未能保存。",
    "A was **{left}**, B was **{right}**.": "甲是 **{left}**，乙是 **{right}**。",
    # a talk that was downloaded, and the pages behind links
    "A talk about a picture": "关于一幅画的对话",
    "Picture {number} of this talk": "这次对话的图片 {number}",
    "Question": "问题",
    "Answer": "回答",
    "Note: {notice}": "说明：{notice}",
    "Answers by {model}, kept {time} UTC.": "由 {model} 回答，保存于 {time}（UTC）。",
    "Nothing here": "这里没有内容",
    "There is no talk under this address: it was withdrawn, or its {days} days are over, or the address is not "
    "complete.": "这个地址下没有对话：它已被撤回，或 {days} 天的期限已过，或地址不完整。",
    "Withdraw this link?": "撤回这个链接？",
    "Nobody can open it afterwards.": "撤回后，谁也打不开它。",
    "Withdraw the link": "撤回链接",
    "Withdrawn": "已撤回",
    "Nobody can open the link any more.": "谁也打不开这个链接了。",
    # errors of the picture's door and of the chat, by their codes
    "PictureError.missing": "找不到这个图片文件。请重新选择。",
    "PictureError.empty": "文件是空的。请选择 JPEG、PNG、WebP 或 GIF 图片。",
    "PictureError.too_many_bytes": "文件超过 20 MB。请把图片存小一些再试。",
    "PictureError.unknown_format": "这不是 JPEG、PNG、WebP 或 GIF 图片。请存成其中一种格式再试。",
    "PictureError.too_many_pixels": "图片超过 4000 万像素。请存小一些再试。",
    "PictureError.too_small": "图片太小：每边至少要 8 个像素。",
    "PictureError.damaged": "图片已损坏或不完整，无法显示。请重新保存后再试。",
    "ChatError.parameter": "有参数超出了允许的范围。",
    "ChatError.empty_question": "问题是空的。请写一个，或点一个建议。",
    "ChatError.too_long": "问题太长，模型一次读不下。请缩短。",
    "ChatError.no_picture": "没有这幅图片。",
    "ChatError.one_picture": "这个模型一次对话只看一幅图片。请清空后再谈另一幅。",
    "ChatError.no_round": "还没有回答。请先提问。",
    "ChatError.closed": "这次对话已经关闭。请重新选择图片开始。",
    "ChatError.no_attention": "只有 MiniGPT-4 一类的模型能显示看了哪里。",
    "ChatError.loading": "模型还在加载。请一分钟后再试。",
    "ChatError.elsewhere": "这个模型在别的服务器上运行，不会说明它看了哪里。",
    "ChatError.not_offered": "这个模型在别的服务器上运行，那里不提供每个词的可能性。",
    "ChatError.not_said": "要求它从几个词里选一个时，这个模型多半会说别的。",
    "ChatError.unreachable": "运行这个模型的服务器没有给出完整的回答。请一分钟后再试。",
    "ChatError.busy": "运行这个模型的服务器太忙。请一分钟后再试。",
    "ChatError.refused": "运行这个模型的服务器拒绝了这个问题。",
    "CompareError.same": "一个模型不能和自己比较：请用 --compare 指定另一个模型。",
    "CompareError.no_adapter": "这个模型没有可以去掉的适配器：请用 --compare 指定第二个模型。",
    "ChatError.out_of_memory": "内存不够。请清空对话重新开始，要求更短的回答或更少的束数，或用量化方式加载模型。",
}


def say(text: str, language: str, **values) -> str:
    """`text` in "en" or "zh", with `values` in its braces. What there is no Chinese for stays English."""
    spoken = CHINESE.get(text, text) if language == "zh" else text
    return spoken.format(**values) if values else spoken


def describe(description: str, language: str) -> str:
    """What `artgpt4.loading` says of a model, in "en" or "zh"; other descriptions stay as they are."""
    for text in (text for text in CHINESE if language == "zh" and "{size} parameters" in text):
        found = re.fullmatch(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.*?)", re.escape(text)), description)
        if found:
            number, unit = found["size"].split()
            size = f"{float(number) * 100:,.0f} 万" if unit == "million" else f"{float(number) * 10:,.0f} 亿"
            values = found.groupdict() | {"size": size}
            return say(text, language, **values).replace(", with ", "，带 ")
    return description


def fetched(model: Future, language: str) -> str:
    """How much of a model's weights is here, if it is a `Loading` one that fetches them; else nothing."""
    done, total = getattr(model, "fetched", None) or (0, 0)
    if not total or done >= total:  # the rest is not a matter of the network
        return ""
    share = 100 * done // total
    megabytes = {"done": f"{done / 1e6:,.0f}", "total": f"{total / 1e6:,.0f}"}
    return say("{done} of {total} MB fetched, {share} %", language, share=share, **megabytes)
