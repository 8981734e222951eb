"""The sentence frames of every statement about a picture, in three registers: plain, a curator's, poetic."""

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
        "plain": "[I cannot tell how it is painted|how it is made I cannot tell|the manner is not clear to me|"
        "I cannot make out the manner|its manner is not one I recognise|no manner that I know fits it|"
        "I do not recognise the way it is made|the technique I cannot tell|which manner it has, I cannot say]",
    },
    "light": {
        "plain": "[the scene is set|it is shown|we see it|the scene takes place|everything happens|it is all seen|"
        "we look at it|this is a scene|the view is seen|the whole is set|it seems to be set|it all lies]{lit}"
        "[: it shows {s}|: what one sees is {s}|, and it shows {s}|]",
        "curator": "[the artist sets the scene|the scene is staged|the work places its subject|"
        "the painter has set it]{lit}",
        "poetic": "[all of it lies{lit}|everything waits{lit}|time has stopped{lit}|the hour is held{lit}]",
    },
    "no light": {
        "plain": "[it has no time of day and no weather|there is no time of day in it|no time of day can be told from it|"  # noqa: E501
        "nothing in it tells the time of day|neither a time of day nor a weather is shown|it shows no time of day|"
        "I see no time of day in it|one finds no time of day in it|time of day? No time of day is shown|"
        "the hour cannot be told: no time of day is shown]",
    },
    "palette": {
        "plain": "[the main colours are|the colours are mainly|it is painted mostly in|its palette is|"
        "most of it is|its colours are chiefly|the palette consists of|I find above all|it is made up of|"
        "the eye meets|nearly all of it is|what I find are|it lives in|its main colours are] {palette}",
        "curator": "[the palette is built on|the artist limits the palette to|the colour scheme rests on|"
        "chromatically the work rests on|the work is held in] {palette}",
        "poetic": "[{palette}, laid down like breath|{palette}, nothing more is needed|a song of {palette}|"
        "it dreams in {palette}|the paint says {palette}]",
    },
    "one colour": {
        "plain": "[nearly everything in it is|almost the only colour is|it is almost all|hardly anything is not|"
        "a single colour fills it:|most of it is simply|one colour does it all:|it is painted nearly all in|"
        "I find little but|the palette is no more than|it lives in|almost all of it is] {palette}",
        "curator": "[the palette is reduced to|the artist limits the palette to|the work is held in] {palette}",
        "poetic": "[{palette}, and again {palette}|it dreams in {palette}|all is {palette}]",
    },
    "leading": {
        "plain": "[the [leading|main|dominant|strongest] colour is|its [leading|main|dominant] colour is|"
        "the colour that leads is|what leads is|the lead, I find, is taken by|most of all there is|most of it is|"
        "more than anything it is|by area, the leading colour is|the colour seen most is|it is dominated by|"
        "the largest share goes to|the first place goes to] {lead}"
        "[, followed by {rest}|, then {rest}|, together with {rest}|, with {rest} beside it]",
    },
    "leading alone": {
        "plain": "[the [leading|main|dominant|strongest] colour is|its [leading|main|dominant] colour is|"
        "the colour that leads is|what leads is|the lead, I find, is taken by|most of all there is|most of it is|"
        "more than anything it is|by area, the leading colour is|the colour seen most is|it is dominated by|"
        "the largest share goes to|the first place goes to] {lead}[, and hardly another one plays a part|"
        ", and little else|, almost alone]",
    },
    "tones": {
        "plain": "[overall it is|as a whole it is|taken together it is|all in all it is|the whole is|"
        "in its tones it is|its overall look is|it is, on the whole,] {tones}",
        "curator": "[tonally the work is|the overall key is|in its tonality the whole is] {tones}",
        "poetic": "[it breathes, {tones}|all of it {tones}, like a held note|it stays {tones} to its edges]",
    },
    "contrast": {
        "plain": "[it has|there are|we find|it works with|one notices|I notice|the painter uses|it shows|"
        "what I find are|throughout there are|look at it and you find] {contrast}[: {why}|, so {why}|; {why}]",
        "curator": "[the work is constructed with|the artist relies on|the modelling depends on] {contrast}: {why}",
        "poetic": "[it speaks in {contrast}: {why}|it holds {contrast}; {why}]",
    },
    "density": {
        "plain": "[it has|this is|it is|what we have is|the whole forms|the painter chose|one sees|I see in it|"
        "I would call it|here we find|what I find is] {a}[: {why}|, and {why}|; {why}]".replace("|I would call it", ""),
        "curator": "[the artist opts for|the work is organised as|formally it is] {a}: {why}",
        "poetic": "[it is given {a}: {why}|in {a}, {why}]",
    },
    "horizon": {
        "plain": "[it has {a}|there is {a}|we find {a}|I see {a}|{a} divides it|the painter chose {a}|"
        "the horizon lies {h}|its horizon lies {h}|I find that the horizon lies {h}|sky and ground meet at {a}|"
        "it is cut by {a}][: {effect}|, so that {effect}|; {effect}]",
        "curator": "[the artist sets {a}|the composition rests on {a}], so that {effect}",
        "poetic": "[under {a}, {effect}|{a}, and {effect}]",
    },
    "no horizon": {
        "plain": "[there is no clear horizon in it|I find no clear horizon|it has no clear horizon|"
        "one sees no clear horizon|no clear horizon can be made out|it does without a horizon: no clear horizon is seen|"  # noqa: E501
        "its space has no clear horizon|a horizon? No clear horizon is to be found]",
    },
    "side": {
        "plain": "[most of the weight lies|the heaviest part is|the weight of it lies|its visual weight lies|"
        "what is heaviest lies|the main weight is found|I find the weight|most of what matters lies|"
        "the weight rests|the eye is drawn to what lies|what draws the eye lies] {where}",
        "curator": "[the artist places the visual weight|the weight of the composition rests] {where}",
        "poetic": "[it leans: its weight lies {where}|the weight gathers {where}]",
    },
    "no side": {
        "plain": "[the weight is spread over the whole of it|no side is heavier than the other|"
        "its weight is spread evenly|no side outweighs the other|the weight is spread so that no side is heavier|"
        "it is balanced: no side is heavier|both halves carry as much, and no side is heavier|"
        "I find no side heavier than the other|the visual weight is spread evenly]",
    },
    "people": {
        "plain": "[the|I think that the|it seems to me that the|I find that the|to judge by what I see, the|"
        "if I read it rightly, the|as far as I can tell, the|I believe that the|one can tell that the] "
        "{who} in it [{look} {people}|{seem} to be {people}|{seem} {people}]"
        "[, going by {sign}|, to judge by {sign}|: {why}|]",
        "curator": "[the artist lets the {who} in it appear {people}|the {who} in the work {look} {people}]"
        "[, to judge by {sign}|: {why}]",
        "poetic": "[the {who} in it {look} {people}, and {sign} {say} so|{people}: so {look} the {who} in it]",
    },
    "unread people": {
        "plain": "[there is someone in it, but what they feel cannot be made out|what the people in it feel cannot be "
        "made out|someone is there, but no feeling can be read from them|I see someone, but their feeling cannot be "
        "read|the people in it are shown, but no feeling can be read from them|what is felt by whoever is in it cannot "
        "be made out|whoever is in it, no feeling can be read from them]",
    },
    "no people": {
        "plain": "[there are no people in it|I see no people in it|no people are shown|looking for people, I find no "
        "people|not a face: no people are in it|it shows no people|I find no people here|no people can be seen|"
        "in it there are no people|since no people are in it, nobody's feeling can be read|it has no people in it|no people appear in it|one finds no people in it|"  # noqa: E501
        "nobody is in it: no people at all|as there are no people in it, there is no face to read]",
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
    "second": {
        "plain": "[there is also|it also holds|woven into it is|beside that I feel|I also feel|one may also feel|"
        "underneath lies|along with it comes|behind it lies|less strongly there is|with it goes|it keeps] "
        "a [trace|touch|hint|note] of {second}",
    },
    "because": {
        "plain": "[that comes from|this is the work of|it comes mainly from|behind it stand|it owes this to|"
        "it feels {mood} because of|the {mood} mood comes from|what brings it about: because of|"
        "I feel this because of|this mood rests on|the reason lies in|I say so because of] {reasons}",
        "curator": "[the effect is owed to|this effect rests on|it is brought about by] {reasons}",
        "poetic": "[it comes from {reasons}|listen to {reasons}: the mood comes from there]",
    },
    "no reason": {
        "plain": "[nothing in it pulls strongly one way|no part of it pulls strongly one way|"
        "I find nothing that pulls strongly one way|it has nothing that pulls strongly one way], so the feeling stays "
        "mild",
    },
}
