"""The words of which the population is made: names and short texts."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _words(
    """
    ada ali amir ana anja ayo bea ben bo bruno carla chen cleo dana dara devi dina edu ela eli emil
    emma ezra fay finn gus hana hugo ida iman inga ivan jack jan jun kai karl kim lars lea lena leo
    lin liv lola luca luz mae malik mara marco maya mia milo mina mona nadia nia nico nina noa nora
    oki olga omar oscar otto paul pia priya rafa ravi remy rita rosa ruth sam sara sven tara theo
    tim tom uma vera wei yara yuki zara zoe
    """
)

SECOND_NAMES = _words(
    """
    acorn arrow atlas badger baker beach berry birch bird brook canyon cedar cloud cobalt comet
    coral crane creek dune echo ember falcon fern field fjord flint forest fox frost garden glade
    grove gull harbor hazel heron hill iris island ivy jade jazz juniper kite lake lark lemon lily
    lotus maple marsh meadow mesa mint moon moss nova oak ocean olive onyx opal orbit otter owl park
    pearl pine plum pond quartz rain raven reef ridge river robin rook sage sand sky snow sparrow
    spring star stone storm swan tide vale violet wave willow wolf wren
    """
)

OPENINGS = (
    "Good morning!",
    "Well.",
    "Thinking about",
    "Nobody told me about",
    "Finally:",
    "Today I learned something about",
    "Still not over",
    "Hot take:",
    "Small joys:",
    "Has anybody else noticed",
    "Reading about",
    "Waiting for",
    "I have questions about",
    "Two hours of",
    "Back to",
    "Never again:",
    "Dear diary,",
    "Current mood:",
    "In praise of",
    "Breaking:",
)

SUBJECTS = (
    "the new coffee machine",
    "trains that leave early",
    "a whale on the screen",
    "the smell of rain",
    "my neighbour's trumpet",
    "tabs against spaces",
    "the match last night",
    "sourdough, again",
    "a cat on the keyboard",
    "the pager at three in the morning",
    "that one meeting",
    "the northern lights",
    "somebody else's umbrella",
    "the last slice of pizza",
    "a very good dog",
    "old maps",
    "the deploy on a Friday",
    "learning to swim",
    "the queue at the post office",
    "a book I cannot put down",
    "tomatoes from the balcony",
    "the missing sock",
    "bicycles without bells",
    "the longest night of the year",
)

CLOSINGS = (
    ".",
    "!",
    "...",
    ", and that is all I will say.",
    ". Who is with me?",
    ". Send help.",
    ". You will not believe what came next.",
    ", as one does.",
    ". Ten out of ten.",
    ". Not sorry.",
    ". More tomorrow.",
    ", says everybody.",
    " :)",
    ". Thread follows.",
    ". No, really.",
)
