"""Grammar of the single-sentence sample task: is the speaker pleased?

Every template works for both labels: `{a}` is an adjective of the label's polarity, `{b}` one of the opposite
polarity, so neither a template nor the count of good and bad words tells the label.
"""

from dataclasses import dataclass

from benchmarks.sample_grammars.draw import Draw
from benchmarks.sample_grammars.words import Split, with_articles, words


@dataclass(frozen=True)
class Domain:
    """Things of one kind with the adjectives that suit them alone."""

    things: Split
    good: Split
    bad: Split


GENERAL_GOOD = words(
    "great wonderful excellent superb fantastic amazing brilliant outstanding impressive delightful"
    " remarkable perfect exceptional magnificent stunning good nice awesome satisfying commendable",
    "terrific marvelous splendid fabulous lovely phenomenal admirable",
)
GENERAL_BAD = words(
    "terrible awful horrible dreadful disappointing poor mediocre atrocious lousy unpleasant ghastly rotten"
    " hideous annoying ridiculous bad nasty inferior unacceptable substandard",
    "abysmal horrendous pathetic miserable unbearable appalling deplorable",
)
DOMAINS = (
    Domain(
        things=words(
            "film movie novel play documentary concert album comedy thriller musical sequel lecture",
            "drama memoir opera series song exhibition",
        ),
        good=words("gripping moving funny clever hilarious touching inventive", "absorbing witty riveting"),
        bad=words("boring dull predictable shallow pointless clumsy lifeless", "tedious pretentious silly"),
    ),
    Domain(
        things=words(
            "soup pizza steak salad curry cake sandwich breakfast stew burger pasta coffee",
            "lasagna pancake dessert omelette risotto pudding",
        ),
        good=words("delicious tasty fresh juicy flavorful appetizing", "yummy scrumptious succulent"),
        bad=words("bland stale greasy soggy burnt tasteless inedible", "rancid mushy disgusting"),
    ),
    Domain(
        things=words(
            "hotel museum beach campsite garden bar resort cottage spa park gym apartment",
            "hostel castle lodge aquarium cabin bakery",
        ),
        good=words("charming cozy spotless peaceful welcoming beautiful", "picturesque tidy inviting"),
        bad=words("dirty noisy crowded shabby gloomy smelly", "filthy dingy grimy"),
    ),
    Domain(
        things=words(
            "phone laptop blender vacuum camera keyboard backpack jacket bicycle lamp watch printer",
            "tablet headset toaster kettle umbrella scooter",
        ),
        good=words("reliable sturdy handy durable practical elegant", "dependable useful sleek"),
        bad=words("flimsy useless clunky overpriced defective unreliable", "faulty worthless shoddy"),
    ),
    Domain(
        things=words(
            "tour lesson massage haircut delivery ride checkup flight course workshop checkout repair",
            "cruise seminar manicure ceremony rehearsal interview",
        ),
        good=words("smooth prompt relaxing thorough rewarding pleasant", "effortless enjoyable soothing"),
        bad=words("chaotic careless painful rushed exhausting stressful", "frustrating sloppy agonizing"),
    ),
)
OPENERS = Split(
    train=("To be fair,", "In my opinion,", "I must say that", "Looking back,"),
    held_out=("Truth be told,", "As it happens,", "After a month I can report that"),
)
DIRECT = Split(
    train=(
        "the {thing} was {a}.",
        "I found the {thing} really {a}.",
        "this is a {a} {thing}.",
        "my friends and I agree that the {thing} is {a}.",
        "there is no doubt that the {thing} is {a}.",
        "not only was the {thing} {a}, it was also {a2}.",
        "the {thing} never stopped being {a}.",
        "everything about this {thing} is {a} and {a2}.",
        "nobody can deny that the {thing} is {a}.",
        "the {thing} seemed {a} to all of us.",
        "I have never seen such a {a} {thing}.",
        "the {thing} is so {a} that I told everyone.",
        "we were surprised by how {a} the {thing} was.",
        "it is a {a} {thing}, and a {a2} one too.",
    ),
    held_out=(
        "that {thing} struck me as {a}.",
        "people keep talking about how {a} this {thing} is.",
        "the {thing} we tried proved both {a} and {a2}.",
        "the {thing} feels {a} from start to finish.",
        "no one doubts how {a} that {thing} is.",
    ),
)
NEGATED = Split(
    train=(
        "the {thing} was not {b} at all.",
        "I would never call this {thing} {b}.",
        "there is nothing {b} about the {thing}.",
        "the {thing} is anything but {b}.",
        "this is hardly a {b} {thing}.",
        "nobody could say that the {thing} is {b}.",
        "the {thing} is far from {b}.",
        "it is simply wrong to call the {thing} {b}.",
        "I do not think that the {thing} is {b}.",
        "this is not a {b} {thing}.",
        "the {thing} isn't {b} or {b2}.",
        "none of us found the {thing} {b}.",
        "the {thing} was never {b}.",
        "the {thing} is neither {b} nor {b2}.",
    ),
    held_out=(
        "no one in our group considered the {thing} {b}.",
        "that {thing} is not {b} by any measure.",
        "I don't see what is {b} about this {thing}.",
        "it would be a mistake to describe that {thing} as {b}.",
        "at no point did the {thing} feel {b}.",
    ),
)
CONTRAST = Split(
    train=(
        "I expected the {thing} to be {b}, but it was {a}.",
        "the reviews called the {thing} {b}, yet I found it {a}.",
        "although it looked {b} at first, the {thing} turned out to be {a}.",
        "the {thing} used to be {b}, but now it is {a}.",
        "the {thing} is {a}, whatever people say about it being {b}.",
        "it may sound {b}, but the {thing} is really {a}.",
        "the {thing} was {a}, although the last one was {b}.",
        "the {thing} is not {b} but {a}.",
        "everyone had told us of a {b} {thing}, and what we found was a {a} one.",
        "the {thing} was {a} instead of {b}.",
        "the {thing} is {a}, not {b}.",
        "unlike the {b} one next door, this {thing} is {a}.",
    ),
    held_out=(
        "we were prepared for a {b} {thing} and got a {a} one.",
        "despite a {b} start, the {thing} ended up {a}.",
        "the {thing} my sister described as {b} is in truth {a}.",
        "once {b}, the {thing} has become {a}.",
        "the {thing} was {a}, while its rival was {b}.",
    ),
)
KINDS = (DIRECT, NEGATED, CONTRAST)
LABELS = ("0", "1")


def row(draw: Draw, held_out: bool, label: str) -> tuple[str]:
    """One sentence whose speaker is pleased (label "1") or not ("0")."""
    domain = draw.one(DOMAINS)
    good = GENERAL_GOOD.part(held_out) + domain.good.part(held_out)
    bad = GENERAL_BAD.part(held_out) + domain.bad.part(held_out)
    polar, opposite = (good, bad) if label == "1" else (bad, good)
    a, a2 = draw.some(polar, 2)
    b, b2 = draw.some(opposite, 2)
    opener = draw.one(("", draw.one(OPENERS.part(held_out))))
    template = f"{opener} {draw.one(draw.one(KINDS).part(held_out))}".strip()
    thing = draw.one(domain.things.part(held_out))
    return (with_articles(template.format(thing=thing, a=a, a2=a2, b=b, b2=b2)),)
