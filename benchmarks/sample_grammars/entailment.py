"""Grammar of the pair classification sample task: does sentence 2 follow from sentence 1?

A row starts from a hypothesis; the label then decides which premises it may get. So the hypothesis alone says
nothing about the label, and most premises occur with both labels, the roles or the hypothesis exchanged.
"""

from benchmarks.sample_grammars.draw import Draw
from benchmarks.sample_grammars.relations import RELATIONS
from benchmarks.sample_grammars.words import with_articles, words

LABELS = ("entailment", "not_entailment")

# The slots of the relations; x, y and z are three people.
PEOPLE = words(
    "nurse pilot teacher farmer lawyer baker sailor singer doctor waiter judge painter gardener tailor"
    " student plumber dancer hunter clerk actor soldier butcher poet driver",
    "chef dentist librarian mechanic engineer journalist surgeon carpenter violinist detective guard priest",
)
# base/past: regular verbs, so that the past is the participle as well
ACTIONS = words(
    "thank/thanked follow/followed help/helped call/called praise/praised warn/warned visit/visited"
    " ignore/ignored greet/greeted blame/blamed hire/hired trust/trusted",
    "invite/invited rescue/rescued criticize/criticized photograph/photographed hug/hugged avoid/avoided",
)
ACTIVITIES = words(
    "laugh/laughed cry/cried dance/danced wait/waited work/worked smile/smiled rest/rested shout/shouted",
    "complain/complained whisper/whispered yawn/yawned cough/coughed applaud/applauded",
)
TASKS = words(
    "repair/repaired paint/painted clean/cleaned open/opened finish/finished measure/measured",
    "polish/polished restore/restored remove/removed inspect/inspected",
)
ITEMS = words(
    "bridge roof engine fence clock gate boat kitchen window stove oven staircase",
    "statue cupboard fountain chimney elevator balcony",
)
PLACES = words(
    "garden station market library office park river church school cinema",
    "airport harbor hospital stadium theater factory",
)
COMPARISONS = words(
    "taller/shorter older/younger richer/poorer faster/slower",
    "stronger/weaker happier/sadder heavier/lighter",
)
NUMBERS = (
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "twelve",
    "twenty",
    "fifty",
)
# kind/member/member/...: dev knows the kinds, but not their members
KINDS = words(
    "animal/dog/cat/horse/cow/bear vehicle/car/truck/bus/bicycle fruit/apple/peach/banana/cherry"
    " tool/hammer/saw/shovel/axe instrument/guitar/piano/drum/trumpet flower/rose/tulip/daisy",
    "animal/donkey/goat/rabbit/tiger vehicle/van/tractor/taxi/motorcycle fruit/mango/plum/lemon/pear"
    " tool/drill/wrench/screwdriver instrument/flute/cello/violin flower/orchid/lily/sunflower",
)


def row(draw: Draw, held_out: bool, label: str) -> tuple[str, str]:
    """A premise and a hypothesis with the given label."""
    relation = draw.one(RELATIONS)
    premises = relation.entailing if label == LABELS[0] else relation.other
    slots = _slots(draw, held_out)
    premise = draw.one(premises.part(held_out)).format(**slots)
    return with_articles(premise), with_articles(relation.hypothesis.format(**slots))


def _slots(draw: Draw, held_out: bool) -> dict[str, str]:
    slots = dict(zip("xyz", draw.some(PEOPLE.part(held_out), 3), strict=True))
    slots["place"], slots["elsewhere"] = draw.some(PLACES.part(held_out), 2)
    slots["item"] = draw.one(ITEMS.part(held_out))
    slots["act_on"], slots["acted_on"] = draw.one(ACTIONS.part(held_out)).split("/")
    slots["act"], slots["acted"] = draw.one(ACTIVITIES.part(held_out)).split("/")
    slots["do"], slots["did"] = draw.one(TASKS.part(held_out)).split("/")
    slots["up"], slots["down"] = draw.shuffled(draw.one(COMPARISONS.part(held_out)).split("/"))
    numbers = sorted(draw.some(NUMBERS, 3), key=NUMBERS.index)
    slots["fewer"], slots["n"], slots["more"] = numbers
    here, elsewhere = (kind.split("/") for kind in draw.some(KINDS.part(held_out), 2))
    slots["kind"], slots["stranger"] = here[0], draw.one(elsewhere[1:])
    slots["member"], slots["sibling"] = draw.some(here[1:], 2)
    return slots
