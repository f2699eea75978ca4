"""Grammar of the pair regression sample task: how much do two scenes have in common, from 0 to 5?

A scene is who does what to which thing, and where. Each slot is compared by where the two fillers meet in a
small taxonomy (word, concept, family, kind), and the score is the weighted sum over the slots: 5 is the same
scene, perhaps in other words; 4 differs in a detail or two; 3 in one important slot; near 0 nothing agrees.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.sample_grammars.draw import Draw
from benchmarks.sample_grammars.words import Split, with_articles

HIGHEST = 5.0
# Who, what is done, to what, where: the deed and its parties carry the meaning, the place is a detail.
WEIGHTS = (0.3, 0.35, 0.25, 0.1)
# Multiples of 0.1: every score has three decimals, so no rounding depends on the machine.
SYNONYMS, FAMILY, KIND = 0.9, 0.5, 0.2
ONE_PLACE_MISSING = 0.5
STEPS = 11  # of closeness between two scenes


def _split(train: str, held_out: str) -> Split:
    """Families between commas; in a family concepts between blanks; in a concept words between slashes."""
    return Split(*(tuple(family.strip() for family in part.split(",")) for part in (train, held_out)))


PEOPLE = _split(
    "man/guy woman/lady, boy/lad girl, doctor/physician nurse, soldier/trooper policeman/cop,"
    " singer/vocalist painter/artist, farmer cook/chef",
    "gentleman/fellow grandmother/granny, child/kid teenager/youngster, surgeon dentist, guard/sentry"
    " firefighter, actor/performer musician, sailor/seaman miner",
)
PLACES = _split(
    "in_the_kitchen in_the_cellar/in_the_basement, in_the_park in_the_garden/in_the_yard,"
    " on_the_street/on_the_road",
    "in_the_hallway/in_the_corridor in_the_attic, in_the_forest/in_the_woods in_the_field,"
    " on_the_beach/on_the_shore",
)
# kind -> objects, verbs ("active form:participle")
KINDS = {
    "person": (
        PEOPLE,
        _split(
            "hugging:hugged/embracing:embraced, thanking:thanked, teaching:taught/instructing:instructed",
            "kissing:kissed, greeting:greeted/welcoming:welcomed, photographing:photographed",
        ),
    ),
    "food": (
        _split(
            "apple orange peach, potato carrot onion, sandwich pie",
            "banana mango pear, tomato cucumber pumpkin, cake pancake",
        ),
        _split(
            "eating:eaten/devouring:devoured tasting:tasted, slicing:sliced/cutting:cut peeling:peeled",
            "swallowing:swallowed/gulping:gulped nibbling:nibbled,"
            " chopping:chopped/dicing:diced mashing:mashed",
        ),
    ),
    "instrument": (
        _split("guitar banjo, flute trumpet", "violin/fiddle cello, piano organ"),
        _split(
            "playing:played, tuning:tuned/adjusting:adjusted",
            "practicing:practiced, testing:tested/checking:checked",
        ),
    ),
    "vehicle": (
        _split("car/automobile truck/lorry, bike/bicycle", "van/minivan bus, motorcycle/motorbike scooter"),
        _split(
            "driving:driven/steering:steered parking:parked, washing:washed/cleaning:cleaned",
            "racing:raced towing:towed/hauling:hauled, polishing:polished/scrubbing:scrubbed",
        ),
    ),
    "text": (
        _split("book/novel magazine, letter/note", "newspaper/gazette diary/journal, poem/verse"),
        _split(
            "reading:read/studying:studied, writing:written/composing:composed",
            "copying:copied/transcribing:transcribed, burning:burned/torching:torched",
        ),
    ),
    "animal": (
        _split("dog/hound cat, horse/pony cow", "rabbit/bunny hamster, donkey/mule pig/hog"),
        _split(
            "petting:petted/stroking:stroked feeding:fed, chasing:chased/pursuing:pursued",
            "brushing:brushed/grooming:groomed leading:led/guiding:guided,"
            " catching:caught/capturing:captured",
        ),
    ),
    "household": (
        _split("chair/seat sofa/couch, cup/mug plate/dish", "rug/carpet curtain/drape, jar/pot bottle/flask"),
        _split(
            "breaking:broken/smashing:smashed, moving:moved/shifting:shifted, painting:painted",
            "dropping:dropped, dragging:dragged/pulling:pulled, decorating:decorated/adorning:adorned",
        ),
    ),
}
# What can be done to things of every kind.
ANYTHING = _split(
    "watching:watched/observing:observed describing:described, drawing:drawn/sketching:sketched",
    "examining:examined/inspecting:inspected hiding:hidden/concealing:concealed,"
    " filming:filmed/recording:recorded",
)
FORMS = Split(
    train=(
        "A {subject} is {doing} a {object} {place}.",
        "A {object} is being {done} by a {subject} {place}.",
        "There is a {subject} {doing} a {object} {place}.",
        "{place} a {subject} is {doing} a {object}.",
    ),
    held_out=(
        "A {subject} can be seen {doing} a {object} {place}.",
        "A {object} gets {done} by a {subject} {place}.",
        "Look at the {subject} {doing} a {object} {place}.",
        "{place} somebody, a {subject}, is {doing} a {object}.",
    ),
)


@dataclass(frozen=True)
class Term:
    """One filler with its place in the taxonomy.

    Attributes:
      word: The filler itself; of a verb "active form:participle".
      concept: What its synonyms share.
      family: What related concepts share.
      kind: What related families share, or "" where all fillers of a slot are of one kind, which ties nobody.
    """

    word: str
    concept: str
    family: str
    kind: str


def terms(families: Split, kind: str, held_out: bool) -> tuple[Term, ...]:
    """All fillers of one part of a split."""
    return tuple(
        Term(word.replace("_", " "), concept, family, kind)
        for family in families.part(held_out)
        for concept in family.split()
        for word in concept.split("/")
    )


def relatedness(one: Term | None, other: Term | None) -> float:
    """1 for the same filler, less the further up the two meet, 0 for no tie; None is a place not named."""
    if one is None or other is None:
        return 1.0 if one is other else ONE_PLACE_MISSING
    if one.word == other.word:
        return 1.0
    levels = ((one.concept, other.concept), (one.family, other.family), (one.kind, other.kind))
    found = (value for value, (a, b) in zip((SYNONYMS, FAMILY, KIND), levels, strict=True) if a == b != "")
    return next(found, 0.0)


@dataclass(frozen=True)
class Scene:
    """Who does what to which thing, and where if that is said."""

    subject: Term
    verb: Term
    object: Term
    place: Term | None

    def slots(self) -> tuple[Term | None, ...]:
        """In the order of WEIGHTS."""
        return self.subject, self.verb, self.object, self.place

    def told(self, form: str) -> str:
        """The scene as a sentence of one of FORMS."""
        doing, done = self.verb.word.split(":")
        place = self.place.word if self.place else ""
        if form.startswith("{place}") and place:
            place += ","
        sentence = form.format(
            subject=self.subject.word, doing=doing, done=done, object=self.object.word, place=place
        )
        return with_articles(" ".join(sentence.replace(" .", ".").split()))


def score(one: Scene, other: Scene) -> float:
    """Similarity in 0..5."""
    compared = zip(WEIGHTS, one.slots(), other.slots(), strict=True)
    return HIGHEST * sum(weight * relatedness(a, b) for weight, a, b in compared)


def row(draw: Draw, held_out: bool) -> tuple[str, str, str]:
    """Two sentences and their score with three decimals."""
    first = _scene(draw, held_out)
    second = _changed(draw, first, held_out)
    told = [scene.told(draw.one(FORMS.part(held_out))) for scene in (first, second)]
    return told[0], told[1], f"{score(first, second):.3f}"


def _scene(draw: Draw, held_out: bool) -> Scene:
    objects, verbs = _of_kind(draw.one(tuple(KINDS)), held_out)
    subject, thing = draw.one(terms(PEOPLE, "", held_out)), draw.one(objects)
    while thing.concept == subject.concept:
        thing = draw.one(objects)
    place = draw.one(terms(PLACES, "", held_out)) if draw.below(3) else None
    return Scene(subject, draw.one(verbs), thing, place)


def _of_kind(kind: str, held_out: bool) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    objects, verbs = KINDS[kind]
    return (
        terms(objects, kind, held_out),
        terms(verbs, f"{kind} verb", held_out) + terms(ANYTHING, "verb", held_out),
    )


def _changed(draw: Draw, scene: Scene, held_out: bool) -> Scene:
    """Another scene: the same to a degree that is drawn first, so that all scores occur."""
    closeness = draw.below(STEPS)
    if scene.object.kind == "person" and closeness > STEPS // 2 and draw.below(2):
        return Scene(scene.object, scene.verb, scene.subject, scene.place)  # the roles swapped
    other = _scene(draw, held_out)
    if closeness > draw.below(STEPS - 3):
        objects, verbs = _of_kind(scene.object.kind, held_out)
        verb, thing = _near(draw, scene.verb, verbs, closeness), _near(draw, scene.object, objects, closeness)
        other = Scene(other.subject, verb, thing, other.place)
    people = [person for person in terms(PEOPLE, "", held_out) if person.concept != other.object.concept]
    place = scene.place if closeness > draw.below(STEPS) else other.place
    return Scene(_near(draw, scene.subject, people, closeness), other.verb, other.object, place)


def _near(draw: Draw, term: Term, choice: Sequence[Term], closeness: int) -> Term:
    """The same or nearly the same for a high closeness, anything for a low one."""
    levels = (1.0, 1.0, SYNONYMS) if closeness > draw.below(STEPS - 1) else (FAMILY, KIND, 0.0)
    level = draw.one(levels)
    return draw.one([one for one in choice if relatedness(one, term) == level] or choice)
