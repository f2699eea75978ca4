"""Which premises entail a hypothesis and which do not: the templates of the pair classification sample task.

Premises are paired across the labels: what entails one hypothesis contradicts another, or the same one with
the roles exchanged.
"""

from dataclasses import dataclass

from benchmarks.sample_grammars.words import Split

# One relation a paragraph: "=" the hypothesis, "+" a premise that entails it, "-" one that does not; "!" is
# held out.
GRAMMAR = """
= The {x} {acted}.
+ The {x} and the {y} {acted} at the {place}.
+ Yesterday the {x} {acted} for hours.
+ The {x} {acted} while the {y} slept.
+ Nobody {acted} except the {x}.
+ Not the {y} but the {x} {acted}.
- The {y} and the {z} {acted} at the {place}.
- Yesterday the {y} {acted} for hours.
- The {y} {acted} while the {x} slept.
- Everybody {acted} except the {x}.
- The {x} did not {act} at all.
+! Both the {y} and the {x} {acted} that evening.
+! In front of the {place}, the {x} {acted} all night.
+! No one {acted} apart from the {x}.
-! Both the {y} and the {z} {acted} that evening.
-! In front of the {place}, the {y} {acted} all night.
-! Neither the {x} nor the {y} {acted} that evening.

= The {x} did not {act}.
+ The {x} did not {act} at all.
+ The {x} never {acted}, but the {y} did.
+ Everybody {acted} except the {x}.
+ Not the {x} but the {y} {acted}.
+ The {x} refused to {act}.
- The {y} did not {act} at all.
- The {y} never {acted}, but the {x} did.
- Nobody {acted} except the {x}.
- The {x} and the {y} {acted} at the {place}.
- The {x} began to {act}.
+! Neither the {x} nor the {y} {acted} that evening.
+! At no time did the {x} {act}.
+! Everyone {acted} apart from the {x}.
-! Both the {x} and the {y} {acted} that evening.
-! Again and again, the {x} {acted}.
-! No one {acted} apart from the {x}.

= The {x} {acted} at the {place}.
+ Yesterday the {x} {acted} at the {place} for hours.
+ At the {place}, the {x} and the {y} {acted}.
+ The {x} went to the {place} and {acted} there.
- Yesterday the {x} {acted} at the {elsewhere} for hours.
- At the {place}, the {y} and the {z} {acted}.
- The {x} went to the {place}, but {acted} at the {elsewhere}.
+! The {place} was where the {x} {acted} that evening.
+! As usual, the {x} {acted} at the {place}, far away from the {elsewhere}.
-! The {elsewhere} was where the {x} {acted} that evening.
-! As usual, the {x} {acted} at the {elsewhere}, far away from the {place}.

= Some of the {x}s {acted}.
+ All of the {x}s {acted} at the {place}.
+ Most of the {x}s {acted} for a while.
+ Some of the {x}s {acted}, but the others did not.
+ Each of the {x}s {acted} at the {place}.
- None of the {x}s {acted} at the {place}.
- No {x} {acted} for a while.
- The {y}s {acted}, but the {x}s did not.
- All of the {y}s {acted} at the {place}.
+! Every single {x} {acted} that evening.
+! Quite a few of the {x}s {acted}.
-! Not a single {x} {acted} that evening.
-! Quite a few of the {y}s {acted}.

= All of the {x}s {acted}.
+ Each of the {x}s {acted} at the {place}.
+ The {x}s {acted}, all of them.
+ The {x}s and the {y}s {acted}, without any exception.
- Most of the {x}s {acted} at the {place}.
- The {x}s {acted}, but not all of them.
- Some of the {x}s {acted}, but the others did not.
+! Every single {x} {acted} that evening.
-! Not every {x} {acted} that evening.
-! Quite a few of the {x}s {acted}.

= None of the {x}s {acted}.
+ No {x} {acted} for a while.
+ The {y}s {acted}, but the {x}s did not.
+ The {x}s did not {act}, not one of them.
- Some of the {x}s {acted}, but the others did not.
- All of the {x}s {acted} at the {place}.
- The {x}s {acted}, but the {y}s did not.
+! Not a single {x} {acted} that evening.
-! Every single {x} {acted} that evening.
-! Quite a few of the {x}s {acted}.

= The {x} bought a {member}.
+ At the {place}, the {x} bought an old {member}.
+ The {x} bought a {member} and a {stranger}.
+ The {x} bought a cheap {member} from the {y}.
- At the {place}, the {x} bought an old {kind}.
- The {x} bought a {sibling} and a {stranger}.
- The {x} bought a cheap {stranger} from the {y}.
+! The {x} came back from the {place} with a newly bought {member}.
+! A big {member} was bought by the {x}.
-! The {x} came back from the {place} with a newly bought {kind}.
-! A big {stranger} was bought by the {x}.

= The {x} bought a {kind}.
+ At the {place}, the {x} bought an old {member}.
+ The {x} bought a {member} and a {stranger}.
+ The {x} bought a cheap {kind} from the {y}.
- At the {place}, the {x} bought an old {stranger}.
- The {x} bought a {stranger} and nothing else.
- The {y} bought a cheap {stranger} from the {x}.
+! The {x} came back from the {place} with a newly bought {member}.
+! A big {member} was bought by the {x}.
-! The {x} came back from the {place} with a newly bought {stranger}.
-! A big {stranger} was bought by the {x}.

= There is a {kind} near the {place}.
+ There is a small {member} near the {place}.
+ Somebody left a {member} near the {place}.
+ The {x} saw a {member} and a {stranger} near the {place}.
- There is a small {stranger} near the {place}.
- Somebody left a {stranger} near the {place}.
- The {x} saw a {stranger} near the {place}.
+! Right now, a {member} can be seen near the {place}.
+! The {x} keeps an old {member} near the {place}.
-! Right now, a {stranger} can be seen near the {place}.
-! The {x} keeps an old {stranger} near the {place}.

= There were {n} {x}s at the {place}.
+ We counted exactly {n} {x}s at the {place}.
+ Together with the {y}, {n} {x}s came to the {place}.
- We counted exactly {more} {x}s at the {place}.
- Together with the {y}, {fewer} {x}s came to the {place}.
+! Yesterday, {n} {x}s met at the {place}.
-! Yesterday, {fewer} {x}s met at the {place}.

= At least {n} {x}s {acted}.
+ We saw that {more} {x}s {acted} at the {place}.
+ More than {more} {x}s and some {y}s {acted}.
- We saw that only {fewer} {x}s {acted} at the {place}.
- Fewer than {fewer} {x}s and some {y}s {acted}.
+! In total, {more} {x}s {acted} that evening.
-! In total, {fewer} {x}s {acted} that evening.

= The {x} {did} the {item}.
+ The {x} managed to {do} the {item} at the {place}.
+ The {x} remembered to {do} the old {item}.
+ The {x} did not forget to {do} the {item}.
+ The {y} knew that the {x} had {did} the {item}.
- The {x} failed to {do} the {item} at the {place}.
- The {x} forgot to {do} the old {item}.
- The {x} did not manage to {do} the {item}.
- The {y} wished that the {x} had {did} the {item}.
+! Luckily, the {x} succeeded in the end and {did} the {item}.
+! It is true that the {x} {did} the {item} this time.
-! Sadly, the {x} gave up and never {did} the {item}.
-! It is not true that the {x} {did} the {item} this time.

= The {x} did not {do} the {item}.
+ The {x} failed to {do} the {item} at the {place}.
+ The {x} forgot to {do} the old {item}.
+ The {x} did not manage to {do} the {item}.
+ The {y} wished that the {x} had {did} the {item}.
- The {x} managed to {do} the {item} at the {place}.
- The {x} remembered to {do} the old {item}.
- The {x} did not forget to {do} the {item}.
- The {y} knew that the {x} had {did} the {item}.
+! Sadly, the {x} gave up and never {did} the {item}.
+! It is not true that the {x} {did} the {item} this time.
-! Luckily, the {x} succeeded in the end and {did} the {item}.
-! It is true that the {x} {did} the {item} this time.

= The {x} {acted_on} the {y}.
+ The {y} was {acted_on} by the {x} near the {place}.
+ Yesterday the {x} {acted_on} the {y} near the {place}.
+ The {x} {acted_on} the {y} but not the {z}.
- The {x} was {acted_on} by the {y} near the {place}.
- Yesterday the {y} {acted_on} the {x} near the {place}.
- The {x} {acted_on} the {z} but not the {y}.
- The {x} never {acted_on} the {y}.
+! After a long day at the {place}, the {x} {acted_on} the {y}.
+! The {y} had been {acted_on} by the {x} once more.
+! The {x} {acted_on} the {y} instead of the {z}.
-! After a long day at the {place}, the {y} {acted_on} the {x}.
-! The {x} had been {acted_on} by the {y} once more.
-! The {x} {acted_on} the {z} instead of the {y}.

= The {x} was {acted_on} by the {y}.
+ Yesterday the {y} {acted_on} the {x} near the {place}.
+ The {y} {acted_on} the {x} but not the {z}.
+ Because the {y} had {acted_on} the {x}, the {z} smiled.
- Yesterday the {x} {acted_on} the {y} near the {place}.
- The {y} {acted_on} the {z} but not the {x}.
- Because the {x} had {acted_on} the {y}, the {z} smiled.
+! After a long day at the {place}, the {y} {acted_on} the {x}.
+! The {y} {acted_on} the {x} instead of the {z}.
-! After a long day at the {place}, the {x} {acted_on} the {y}.
-! The {y} {acted_on} the {z} instead of the {x}.

= The {x} did not {act_on} the {y}.
+ The {x} never {acted_on} the {y}.
+ The {x} refused to {act_on} the {y} near the {place}.
+ The {x} {acted_on} the {z} but not the {y}.
- The {x} {acted_on} the {y} but not the {z}.
- The {x} hurried to the {place} and {acted_on} the {y}.
- The {y} never {acted_on} the {x}.
+! The {x} left the {place} without having {acted_on} the {y}.
+! The {x} {acted_on} the {z} instead of the {y}.
-! The {x} left the {place} after having {acted_on} the {y}.
-! The {x} {acted_on} the {y} instead of the {z}.

= The {x} is {up} than the {y}.
+ The {y} is {down} than the {x}.
+ The {x} is much {up} than the {y} and the {z}.
- The {x} is {down} than the {y}.
- The {x} is much {down} than the {y} and the {z}.
+! Compared with the {y}, the {x} is {up}.
-! Compared with the {y}, the {x} is {down}.
"""


@dataclass(frozen=True)
class Relation:
    """One kind of inference: a hypothesis with the premises that entail it and those that do not."""

    hypothesis: str
    entailing: Split
    other: Split

    @classmethod
    def parse(cls, paragraph: str) -> "Relation":
        """A paragraph of GRAMMAR."""
        marked = [line.split(" ", 1) for line in paragraph.splitlines()]
        lines = {mark: tuple(text for found, text in marked if found == mark) for mark, _ in marked}
        return cls(lines["="][0], Split(lines["+"], lines["+!"]), Split(lines["-"], lines["-!"]))


RELATIONS = tuple(Relation.parse(paragraph) for paragraph in GRAMMAR.strip().split("\n\n"))
