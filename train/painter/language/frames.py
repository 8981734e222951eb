"""The sentence frames of every statement about a picture, in three registers: plain, a curator's, poetic.

A frame is chosen before the fact is told, and fits every value of it, "none" and "cannot be told" among them. Greedy
decoding takes the likeliest next word: where a value had few frames of its own, each of them was likelier than any of
another value's many, and the model said that value whatever it saw.
"""

_PIC = "[this|the] [picture|painting|image]"

FRAMES: dict[str, dict[str, str]] = {
    "subject": {
        "plain": f"[{_PIC} shows|{_PIC} is of|{_PIC} depicts|what I see is|what it shows is|it shows|it depicts|"
        "the subject is|its subject is|I see|I can see|here one sees|here we have|we are looking at|we see|"
        "before us we have|the painter shows us|the painter has chosen|it is about|what is shown is] {s}{lit}{with}",
        "curator": "[in this work the painter turns to|this work is devoted to|the work before us presents|"
        "the artist takes as a subject|the work is given over to|at the heart of this work stands|"
        "the composition is built around|the canvas is dedicated to|the painter devotes the canvas to|"
        "its theme is|as its motif the work has|the artist shows us|what the artist gives us is|"
        "the exhibition label reads: this is|the scene is reduced to|on this canvas one meets] {s}{lit}{with}",
        "poetic": "[{s}{lit}, and nothing hurries|{s}{lit}: the eye comes to rest|look, {s}{lit}|"
        "slowly one finds {s}{lit}|a moment held still, {s}{lit}|the paint remembers {s}{lit}|"
        "{s}{lit}, as if remembered|quietly the picture gives us {s}{lit}|imagine {s}{lit}|only this: {s}{lit}|"
        "between two breaths, {s}{lit}|nothing but {s}{lit}|out of the paint comes {s}{lit}|hushed, {s}{lit}|"
        "as in a dream, {s}{lit}|once there was {s}{lit}]{with}",
    },
    "unknown": {
        "plain": "[I am not sure what [this|it|the picture|this picture] shows|I cannot tell what [this|it] shows|"
        "I do not recognise what is shown|what it shows, I cannot say|I cannot say what this is|"
        "the subject is not clear to me|I cannot make out what this shows|what this is, I am not sure|"
        "this shows something I cannot name|there is no subject that I could swear to]",
        "curator": "[the subject of this work is not clear to me|the work shows something I cannot name|"
        "I am not sure what the artist shows here|what the work depicts, I cannot say]",
        "poetic": "[I am not sure what this shows, and it keeps its secret|it shows something I cannot name|"
        "what it shows, I cannot say; it does not tell]",
    },
    "manner": {
        "plain": f"[it is [painted|made|done]|{_PIC} is [painted|made|done]|it looks [painted|made]|"
        "everything in it is painted|this was [made|painted]|someone worked here|the painter worked|"
        "its forms are set down|the handling, I find, is|it was done] {m}[: {why}|; {why}|, and {why}|]",
        "curator": "[the work is executed|the artist works here|the whole is rendered|the surface is handled|"
        "technically the work is carried out] {m}[: {why}|, so that {why}|; {why}]",
        "poetic": "[the hand moved {m}: {why}|{m}, the world takes shape|it is set down {m}, and {why}|"
        "made {m}, it breathes: {why}]",
    },
    "no manner": {
        "plain": f"[it is [painted|made|done]|{_PIC} is [painted|made|done]|it looks [painted|made]|"
        "everything in it is painted|this was [made|painted]|someone worked here|the painter worked|"
        "its forms are set down|the handling, I find, is|it was done] {m}",
        "curator": "[the work is executed|the artist works here|the whole is rendered|the surface is handled|"
        "technically the work is carried out] {m}",
        "poetic": "[the hand moved {m}|it is set down {m}]",
    },
    "light": {
        "plain": "[the scene is set|it is shown|we see it|the scene takes place|everything happens|it is all seen|"
        "we look at it|this is a scene|the view is seen|the whole is set|it seems to be set|it all lies]{lit}"
        "[: it shows {s}|: what one sees is {s}|, and it shows {s}|]",
        "curator": "[the artist sets the scene|the scene is staged|the work places its subject|"
        "the painter has set it]{lit}",
        "poetic": "[all of it lies{lit}|everything waits{lit}|time has stopped{lit}|the hour is held{lit}]",
    },
    "palette": {
        "plain": "[in the main it is|in colour it is chiefly|it is painted mostly in|its palette is|"
        "for colours it has|the palette consists of|I find above all|it is made up of|"
        "the eye meets|nearly all of it is|what I find is|it lives in|above all it is] {palette}",
        "curator": "[the palette is built on|the artist limits the palette to|the colour scheme rests on|"
        "chromatically the work rests on|the work is held in] {palette}",
        "poetic": "[{palette}, laid down like breath|{palette}, nothing more is needed|a song of {palette}|"
        "it dreams in {palette}|the paint says {palette}]",
    },
    "colours": {
        "plain": "[above all it is|it is painted mostly in|one sees much|there is much|I find above all|"
        "in the main it is|it is chiefly|I see much|the eye meets much] {colours}",
        "curator": "[the artist works above all with|chromatically the work rests on|the work is held in] {colours}",
        "poetic": "[it dreams in {colours}|the paint says {colours}|a song of {colours}]",
    },
    "much": {"plain": "[one sees much|there is much|I see much|the eye meets much|it has much] {one}"},
    "leading": {
        "plain": "[the [leading|main|dominant|strongest] colour is|its [leading|main|dominant] colour is|"
        "the colour that leads is|what leads is|the lead, I find, is taken by|most of all there is|most of it is|"
        "more than anything it is|by area, the leading colour is|the colour seen most is|it is dominated by|"
        "the largest share goes to|the first place goes to] {lead}"
        "{rest}",
    },
    "tones": {
        "plain": "[overall it is|as a whole it is|taken together it is|all in all it is|the whole is|"
        "in its tones it is|its overall look is|it is, on the whole,] {tones}",
        "curator": "[tonally the work is|the overall key is|in its tonality the whole is] {tones}",
        "poetic": "[it breathes, {tones}|all of it {tones}, like a held note|it stays {tones} to its edges]",
    },
    "contrast": {
        "plain": "[it has|there are|we find|it works with|one notices|I notice|the painter uses|it shows|"
        "what I find are|throughout there are|look at it and you find] {contrast}[: {why}|; {why}||]",
        "curator": "[the work is constructed with|the artist relies on|the modelling depends on] {contrast}: {why}",
        "poetic": "[it speaks in {contrast}: {why}|it holds {contrast}; {why}]",
    },
    "density": {
        "plain": "[it has|this is|it is|what we have is|the whole forms|the painter chose|one sees|I see in it|"
        "here we find|what I find is] {a}[: {why}|; {why}||]",
        "curator": "[the artist opts for|the work is organised as|formally it is] {a}: {why}",
        "poetic": "[it is given {a}: {why}|in {a}, {why}]",
    },
    "horizon": {
        "plain": "[it has|there is|we find|I see|one sees|the painter chose|what I find is|looking for one, I find|"
        "it shows] {a}{effect}",
        "curator": "[the artist sets|the composition rests on|the work has] {a}{effect}",
        "poetic": "[it knows|it keeps to] {a}{effect}",
    },
    "side": {
        "plain": "[most of the weight lies|the heaviest part is|the weight of it lies|its visual weight lies|"
        "what is heaviest lies|the main weight is found|I find the weight|most of what matters lies|"
        "the weight rests|the eye is drawn to what lies|what draws the eye lies] {where}",
        "curator": "[the artist places the visual weight|the weight of the composition rests] {where}",
        "poetic": "[it leans: its weight lies {where}|the weight gathers {where}]",
    },
    "people": {
        "plain": "[I think that|it seems to me that|I find that|to judge by what I see,|if I read it rightly,|"
        "as far as I can tell,|I believe that|one can tell that|I see that|my impression is that|as I see it,|"
        "looking at it, I find that|to my mind,|looking closely, I see that|I gather that|at a second look,|"
        "as it appears to me,|judging by eye,|I take it that] {felt}",
        "curator": "[the artist shows that|one notes that] {felt}",
        "poetic": "[look: |see: |]{felt}",
    },
    "things": {
        "plain": "[it also has|beside it I see|in it I find|one can also see|it includes|I can make out|"
        "there, too, one finds|to be found in it as well:|looking around in it, I find|it holds also|"
        "you can find in it|also to be seen:|added to that I see] {things}",
        "curator": "[the scene is furnished with|the artist adds|it is accompanied by] {things}",
        "poetic": "[and then {things}|and, as if by chance, {things}|nearby {things}]",
    },
    "no things": {
        "plain": "[little else can be made out|I can make out little else|there is little else in it|"
        "beyond that I find little|nothing else stands out]",
    },
    "thing": {
        "plain": "[the eye is caught by {the}|I notice {the}|what stands out is {the}|one stops at {the}|"
        "look at {the}|my eye goes first to {the}]",
        "curator": "[a key role falls to {the}|the composition gains from {the}|an accent is set by {the}]",
        "poetic": "[{the} keeps watch|nothing is as still as {the}|{the}: one keeps coming back to it]",
    },
    "emotion": {
        "plain": "[it evokes|it mostly evokes|above all it evokes|the feeling that prevails is|what it stirs most is|"
        "it leaves me with a sense of|what I feel most is|its strongest feeling is|it makes one feel|"
        "the mood is {mood}, and it evokes|the atmosphere is {mood}; what I feel is|"
        "there is something {mood} about it: it speaks of|you may feel|a viewer may feel|what it stirs in me is|"
        "looking at it, one may feel|I find it {mood}, and what I feel is|the first feeling is|"
        "it moves me towards one feeling, and that is|for me it is {a_mood} picture: it evokes] {emotion}",
        "curator": "[the work evokes|its {mood} character evokes|the artist awakens in us|"
        "the whole is given {a_mood} note and evokes] {emotion}",
        "poetic": "[{emotion}, that is what stays|what remains, {mood} and slow, is {emotion}|"
        "it hums with {emotion}|{a_mood} air, and in it {emotion}]",
    },
    "emotion open": {
        "plain": "[it evokes|it mostly evokes|above all it evokes|the feeling that prevails is|what it stirs most is|"
        "it leaves me with a sense of|what I feel most is|its strongest feeling is|it makes one feel|you may feel|"
        "a viewer may feel|what it stirs in me is|looking at it, one may feel|the first feeling is|"
        "it moves me towards one feeling, and that is] {emotion}[, I cannot say|; I am not sure|, I cannot tell|]",
    },
    "second": {
        "plain": "[there is also|it also holds|woven into it is|beside that I feel|I also feel|one may also feel|"
        "underneath lies|along with it comes|behind it lies|less strongly there is|with it goes|it keeps] "
        "a [trace|touch|hint|note] of {second}",
    },
    "because": {
        "plain": "[that comes from|this is the work of|it comes mainly from|it goes back to|it owes this to|"
        "it feels {mood} because of|the {mood} mood comes from|what brings it about: because of|"
        "I feel this because of|this mood rests on|the reason lies in|I say so because of] {reasons}",
        "curator": "[the effect is owed to|this effect rests on|it is brought about by] {reasons}",
        "poetic": "[it comes from {reasons}|listen to {reasons}: the mood comes from there]",
    },
    "because open": {
        "plain": "[that comes from|this is the work of|it comes mainly from|it goes back to|it owes this to|"
        "what brings it about: because of|I feel this because of|this mood rests on|the reason lies in|"
        "I say so because of] {reasons}",
        "curator": "[the effect is owed to|this effect rests on|it is brought about by] {reasons}",
    },
    "no reason": {
        "plain": "[nothing in it pulls strongly one way|no part of it pulls strongly one way|"
        "I find nothing that pulls strongly one way|it has nothing that pulls strongly one way], so the feeling stays "
        "mild",
    },
}
