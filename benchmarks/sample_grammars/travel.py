"""Grammar of the slot-filling sample task: what a traveller asks for, with a tag for each word.

A city is where a journey begins, where it ends, or where one stays: the words around it tell, not the city.
"""

from benchmarks.sample_grammars.draw import Draw
from benchmarks.sample_grammars.words import Split, words

CITIES = words(
    "boston denver atlanta chicago seattle dallas new_york san_francisco las_vegas phoenix houston miami"
    " kansas_city salt_lake_city detroit memphis",
    "pittsburgh orlando los_angeles cleveland saint_louis baltimore",
)
DAYS = words(
    "monday tuesday wednesday friday tomorrow tonight next_monday this_friday",
    "thursday sunday next_saturday",
)
TIMES = words(
    "nine_am noon six_in_the_evening seven_pm half_past_eight the_early_morning", "five_am midnight ten_pm"
)
AIRLINES = words("northern_air blue_wings sky_lines trans_global", "polar_jet green_air")
OTHERS = {"day": DAYS, "time": TIMES, "airline": AIRLINES}
TEMPLATES = Split(
    train=(
        "show me flights from {from_city} to {to_city} on {day}",
        "i want to go to {to_city} from {from_city} {day}",
        "which flights leave {from_city} for {to_city} before {time}",
        "book a seat with {airline} from {from_city} to {to_city}",
        "is there anything to {to_city} on {day} after {time}",
        "i am leaving {from_city} on {day} and need to be in {to_city} by {time}",
        "find me a hotel in {stay_city} for {day}",
        "where can i stay in {stay_city}",
        "what does {airline} charge from {from_city} to {to_city}",
        "the first train out of {from_city} to {to_city}",
        "a room in {stay_city} near the airport {day}",
        "does {airline} fly to {to_city} {day}",
        "flights arriving in {to_city} before {time} from {from_city}",
        "how do i get from {from_city} to {to_city} by {time}",
    ),
    held_out=(
        "please list all flights from {from_city} to {to_city} for {day}",
        "i need a flight with {airline} to {to_city} leaving {from_city} at {time}",
        "we want to stay in {stay_city} on {day}",
        "what leaves {from_city} for {to_city} on {day} before {time}",
        "any hotel in {stay_city} that is not far from the station",
        "can i fly out of {from_city} with {airline} {day}",
    ),
)


def row(draw: Draw, held_out: bool) -> tuple[str, str]:
    """A text and its tags, words and tags parted by blanks; nobody goes where he is."""
    cities = iter(draw.some(CITIES.part(held_out), 2))
    text: list[str] = []
    tags: list[str] = []
    for part in draw.one(TEMPLATES.part(held_out)).split():
        slot = part.strip("{}")
        filled = slot != part
        found = (
            part if not filled else next(cities) if "city" in slot else draw.one(OTHERS[slot].part(held_out))
        )
        text += found.split()
        tags += [f"B-{slot}", *[f"I-{slot}"] * found.count(" ")] if filled else ["O"]
    return " ".join(text), " ".join(tags)
