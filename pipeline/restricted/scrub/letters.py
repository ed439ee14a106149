"""How likely it is that letters follow each other in words, to tell words from drawn letters.

A word is made of common pairs, whatever its language; of letters drawn at random most pairs are
rare.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

# A row per first letter, a digit per second one, a to z. A digit stands for the share s of the pair
# among all pairs of a language's 30,000 commonest words (wordfreq 3.1), averaged over Catalan,
# Czech, Danish, Dutch, English, Finnish, French, German, Hungarian, Indonesian, Italian, Polish,
# Portuguese, Romanian, Spanish, Swedish and Turkish without their accents:
# (log2(s) + 16) / 1.2, rounded, between 0 and 9.
_TABLE: Final = """
a 66775565656879462878664356
b 74227011621512600643610040
c 71417007735513701545600045
d 73248232733434720554633044
e 65776565656879463987564546
f 61026420611500600534500020
g 72037144613525610644611041
h 71137001622434600425522040
i 75767564556778754787562445
j 60136100403223500132510001
k 72217112615524710555632040
l 83458343834755730256641052
m 75238212702454660243610041
n 83678574735436722378652064
o 46665564546778562876665345
p 71227224612622750745510031
q 00000000000000000000500000
r 85568454835566742667653155
s 73637335726554662368643046
t 83318235834544720766744054
u 55566454645767450776443335
v 71117010701303600432420042
w 60215002501203410231200040
x 30203000400000240003200100
y 63545133434444530454433022
z 62246022613334520234423053
"""
_COMMON: Final = {
    (row[0], chr(ord("a") + at)): int(digit)
    for row in _TABLE.strip().splitlines()
    for at, digit in enumerate(row.split()[1])
}
_LEAST: Final = 5
"""The least mean of a word's pairs; one word of twelve letters or more in 5,000 is below it."""


def is_drawn(*words: str) -> bool:
    """Tell whether these words, of the letters a to z in any case, were drawn and not written."""
    pairs = sum(map(len, words)) - len(words)
    return sum(map(_commonness, words)) < _LEAST * pairs


def _commonness(word: str) -> int:
    return sum(map(_COMMON.__getitem__, pairwise(word.lower())))
