"""How each thing is asked. Square brackets hold alternatives."""

from train.painter.language.things import SEVERAL, named

#: The question by which the evaluation asks for each fact.
QUESTIONS: dict[str, str] = {
    "subject": "What does this picture show?",
    "manner": "How is this picture made?",
    "light": "What time of day or weather is it?",
    "leading colour": "What is the leading colour?",
    "palette": "Which colours does it have?",
    "brightness": "Is it bright or dark?",
    "saturation": "Are the colours muted or vivid?",
    "warmth": "Is it warm or cool?",
    "contrast": "How strong are the contrasts?",
    "density": "Is it sparse or busy?",
    "horizon": "Where is the horizon?",
    "short description": "Describe this picture in one sentence.",
    "description": "Describe this picture in detail.",
    "emotion": "What does this picture make you feel?",
    "why": "Why?",
    "second emotion": "Is there a second feeling in it?",
    "people": "What do the people in it feel?",
    "emotional description": "Describe this picture in detail, with the mood it has.",
    "title": "Give this picture a title.",
    "side": "Where does the weight of the composition lie?",
    "formal": "Give a formal analysis of this picture in one paragraph.",
    "page": "Make a small web page with its colours.",
    "content": "What is in this picture?",
    "change": "What would change its mood?",
}


def thing_question(name: str) -> str:
    """The question by which the evaluation asks for a thing, to be answered with yes or no."""
    return f"{'Are' if name in SEVERAL else 'Is'} there {named(name)} in it?"


#: What the picture cannot answer, a question for each kind of `unanswerable.KINDS`.
UNANSWERABLE: dict[str, str] = {
    "who": "Who painted it?",
    "when": "When was it painted?",
    "price": "How much is it worth?",
    "where made": "Where was it painted?",
    "who is": "What is the person's name?",
    "size": "How large is it?",
    "story": "What happens next?",
    "how many": "How many trees are there?",
    "hello": "Hello!",
    "who are you": "Who are you?",
    "sure": "Are you sure?",
    "thanks": "Thank you!",
    "off topic": "What is the capital of France?",
    "nonsense": "Qwu zrt blapf?",
}

_IT = "[this picture|the picture|this painting|the painting|it|this]"
ASK: dict[str, tuple[str, ...]] = {
    "subject": (
        "What does {it} show?",
        "What is the subject[| of {it}]?",
        "What [can you see|do you see|am I looking at]?",
        "What is this[| a picture of]?",
    ),
    "manner": (
        "How is {it} [made|painted]?",
        "[What style is it in|What is the style|Which technique was used|In what manner is it painted]?",
        "[Tell me about the brushwork|Describe the style|What about the technique].",
    ),
    "light": (
        "What time of day [or weather |]is it?",
        "[When does this take place|What is the weather like|What is the light like]?",
        "Is it day or night?",
    ),
    "leading colour": (
        "What is the [leading|main|dominant] colour?",
        "Which colour [leads|dominates|is the strongest|stands out]?",
        "What colour is {it} mostly?",
    ),
    "palette": (
        "Which colours [does it have|are in it|do you see|were used]?",
        "What are the [main |]colours?",
        "[Describe|Name] the [colours|palette].",
    ),
    "brightness": ("Is {it} [bright or dark|light or dark]?", "How bright is {it}?", "[Is it dark|Is it bright]?"),
    "saturation": ("Are the colours [muted or vivid|strong or weak|vivid]?", "How [vivid|strong] are the colours?"),
    "warmth": ("Is {it} [warm or cool|warm or cold]?", "Are the colours warm or cool?", "How warm is it?"),
    "contrast": (
        "How strong [are the contrasts|is the contrast]?",
        "[Is there much contrast|What about the contrast]?",
    ),
    "density": ("Is {it} [sparse or busy|empty or full|crowded or empty]?", "How much is going on in it?"),
    "horizon": ("Where is the horizon?", "Is the horizon [high or low|low or high]?"),
    "side": ("Where [does the weight lie|is the weight of the composition]?", "Which side is heavier?"),
    "short description": (
        "Describe {it} in one sentence.",
        "[In short, what is it|Give a short description|Briefly describe {it}|Describe it briefly].",
        "What is it, in a few words?",
    ),
    "description": (
        "Describe {it}[ in detail|].",
        "[Tell me about|Give a full description of|Say more about] {it}.",
        "What do you see[| here], in detail?",
    ),
    "content": (
        "What is in {it}?",
        "[What things|Which things|What objects] [are in it|can you see]?",
        "List what is in it.",
    ),
    "colours and light": ("Describe the colours and the light.", "[How are|What about] the colours and the light?"),
    "place": (
        "What is [on the {side}|at the {side}|on the {side} side]?",
        "[What do you see|What can be seen|Is there anything] on the {side}?",
    ),
    "place centre": ("What is in the [centre|middle]?", "[What do you see|What can be seen] in the middle?"),
    "emotion": (
        "What does {it} make you feel?",
        "How does {it} make you feel?",
        "[Which|What] [emotion|feeling] does {it} [evoke|stir|call up|bring up]?",
        "What [do you feel|would a viewer feel|might people feel|do I feel] [when looking at {it}|looking at it|here]?",
        "What is the [mood|atmosphere|feeling|emotion|vibe][| of {it}]?",
        "[How does it feel|What mood is it|Describe the mood|Tell me about the mood|Name the emotion].",
        "[And the emotion|What about the mood|And how does it feel|What emotions]?",
    ),
    "emotion in short": (
        "[In one word|In a word|In short|Briefly]: [which|what] [emotion|feeling] does {it} evoke?",
        "[Just|Only] name the [emotion|feeling], no reasons.",
    ),
    "feeling check": (
        "Is {it} [a {mood} picture|{mood}]?",
        "Does it make you [feel |]{feeling}?",
        "Does it evoke {emotion}?",
    ),
    "why": (
        "Why does it feel like that?",
        "Why[| is that| do you say that| does it feel that way]?",
        "[What makes you say that|Where does that feeling come from|How so|What causes it|What gives it that mood]?",
        "[Explain why.|Give me the reasons.|Because of what?|What in it does that?]",
    ),
    "why alone": (
        "Why does it feel like that?",
        "Where does its [mood|feeling] come from?",
        "[What in it makes the mood|What gives it its mood|Why this mood]?",
    ),
    "why follow": (
        "Why {emotion}?",
        "You said {emotion}. Why?",
        "Where does the {emotion} come from?",
        "What causes that {emotion}?",
    ),
    "second emotion": (
        "Is there a second [feeling|emotion][| in it]?",
        "[Do you feel anything else|What else does it evoke|Any other emotion]?",
        "What other [feeling|emotion] is there?",
    ),
    "people": (
        "What do the people in it feel?",
        "What [emotion do the people show|do the people express|are the people feeling]?",
        "How do [the people|they] [look|feel|seem]?",
        "[Describe the faces|What about the people].",
    ),
    "both sides": (
        "Analyze the emotions expressed by the individuals in the images as well as the emotions felt by the viewer "
        "observing them.",
        "What do the people in it feel, and what does the viewer feel?",
        "Describe the emotions of the people and of the viewer.",
    ),
    "which colour": ("Which colour does that?", "[What colour|Which colour] carries [the mood|that feeling]?"),
    "emotional description": (
        "Describe {it} in detail, with the mood it has.",
        "Describe {it} and [its mood|what it makes you feel|the feeling it evokes].",
        "Describe {it}[ in detail|].",
        "[Tell me about|Say more about|What do you think of] {it}.",
    ),
    "title": (
        "Give {it} a title.",
        "[What would you call it|Suggest a title|What title fits|How would you name it|Can you name it]?",
    ),
    "change": (
        "What would change its mood?",
        "[What would make it feel different|How could the mood be changed|What if you wanted another mood]?",
        "How [would|could] it be made to feel [different|another way]?",
    ),
    "curator": (
        "How would a curator describe it?",
        "[What would a curator say|And in a curator's words]?",
        "Write a [label|wall text|short text] for the museum.",
        "Speak like a curator.",
    ),
    "thing": (
        "[Is|Are] there {a}[| in it| in the picture]?",
        "[Can you see|Do you see|Does it show] {a}?",
    ),
    "what colour": ("What colour is [it|that]?", "And its colour?", "Which colour [is it|does it have]?"),
    "where": ("Where[| is it| exactly]?", "Where is the {noun}?", "Where in the picture?"),
    "subject check": ("Is [this|it] {subject}?", "Does it show {subject}?"),
    "light check": ("Is it {light}?", "Is this {light}?", "Was it painted {light}?"),
    "colour check": ("Is there [any |much |]{colour}[| in it]?", "Is {it} {colour}?", "Do you see {colour}?"),
    "manner check": ("Is it [made|painted|done] {manner}?",),
    "who": (
        "Who [painted|made] {it}?",
        "Who is the [artist|painter]?",
        "[Is it a Monet|Is it by Van Gogh|Whose work is this]?",
    ),
    "when": ("When was {it} [painted|made]?", "How old is {it}?", "[What year is it from|Which century is it]?"),
    "price": ("[How much is it worth|What does it cost|What is its price|Is it expensive|Can I buy it]?",),
    "where made": (
        "Where was {it} [painted|made]?",
        "[Which place is this|Where is this place|What country is it|Which museum has it]?",
    ),
    "who is": ("Who is [the person|this|he|she|that][| in it]?", "What is [her|his|the person's] name?"),
    "how many": ("How many {things} [are there|do you see|can you count]?", "Count the {things}."),
    "hello": (
        "[Hello|Hi|Hey|Good morning|Good evening|Good day|Hi there][.|!|]",
        "[How are you|Hello, how are you|What's up]?",
        "[Are you there|Can you help me|What can you do|What can I ask you]?",
    ),
    "who are you": ("[Who are you|What are you|Are you a person|Are you human|Are you a robot]?", "How do you work?"),
    "sure": ("Are you sure?", "[Is that right|Really|How certain are you|Do you really feel that]?"),
    "thanks": ("[Thank you|Thanks|Thanks a lot|Great|Nice|OK|Goodbye|Bye|Interesting|I see|Wow][.|!|]",),
    "off topic": (
        "What is the capital of [France|Italy|Spain]?",
        "[Tell me a joke|Write me a poem about money|Sing a song|Who won the game|What is two plus two].",
        "[What time is it now|How do I cook rice|What is the meaning of life|Do you like music|Translate this]?",
        "[What is your favourite food|Where do I live|Do you love me|Will it rain tomorrow|Help me with my homework]?",
    ),
}
ASK |= {
    "formal": (
        "[Give|Write] a formal analysis of {it} in one paragraph.",
        "[Formal analysis, please|Analyse its form|Describe it by its visual means only|Analyse the composition].",
        "[Only colour, light, line and composition, please|Describe colour, light, line and composition].",
        "How does it work formally, in one paragraph?",
    ),
    "page": (
        "Make a [small |]web page with its [colours|palette].",
        "[Build|Write|Make] [a|me a] [web page|website|HTML page] [in|with|from] [its|these|the] colours.",
        "[HTML, please|Its palette as CSS|A web page in its colours|Can you make a website out of it].",
    ),
    "poetic": (
        "[Say it more poetically|More poetically, please|Say it like a poet|Make it more poetic|Now as a poem].",
        "Can you say [it|that] more [poetically|beautifully]?",
    ),
    "poetic alone": ("Describe {it} [poetically|like a poet].", "[Write a few poetic lines|A poem, please]."),
    "shorter": (
        "[Shorter, please|Shorter please|In fewer words|Make it shorter|Too long|Say it in one sentence|Briefly].",
        "Can you say that more briefly?",
    ),
    "more": (
        "[Tell me more|More, please|Go on|Say more|More details, please|Anything else to see].",
        "[What else|Is there more|Can you tell me more|What more do you see]?",
    ),
    "view": (
        "How would {v} see it?",
        "[What would {v} feel|How would {v} feel|What would {v} say|And {v}]?",
        "How [does|might] {v} [look at it|take it|see it]?",
    ),
    "premise": ("Why is it so {w}?", "[Why does it feel so {w}|What makes it so {w}|Why {w}|How come it is so {w}]?"),
    "tone check": ("Is {it} {x}?", "Is it {x}?", "[Would you call it|Overall, is it] {x}?"),
    "people check": (
        "[Is the person|Are the people|Are they|Do they look|Does the person look] {x}?",
        "[Are the people in it|Is anyone in it] {x}?",
    ),
    "absent colour": ("What colour [is|has] the {n}?", "Which colour is the {n}?", "Where is the {n}?"),
    "size": (
        "How [large|big] is {it}?",
        "[What size is it|What are its dimensions|Is it oil on canvas|What is it made on]?",
    ),
    "story": (
        "[What happens next|What happened before|What is the story|What is the story behind it]?",
        "What did the [artist|painter] [mean|want to say]?",
    ),
}
ASK["formal"] += (QUESTIONS["formal"],)
ASK["emotion"] += ("How does this [picture|painting|image] feel to you?", "What [does it make one|should I] feel?")


def it(template: str) -> str:
    """`{it}` as the alternatives for the picture itself."""
    return template.replace("{it}", _IT)
