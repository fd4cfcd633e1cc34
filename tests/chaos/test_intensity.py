"""How strong a fault is, as one number: what 1 and 10 mean, and who has the last word."""

from __future__ import annotations

from itertools import pairwise

import pytest

from chaos.catalogue import all_faults
from chaos.fault import LEAST_INTENSITY, MOST_INTENSITY, Fault, Parameter
from chaos.fault import REGISTER as FAULTS
from foundation.failure import USAGE, Failure

DIALLED = [fault for fault in all_faults() if fault.dialled]
INTENSITIES = range(LEAST_INTENSITY, MOST_INTENSITY + 1)


def test_the_ends_of_a_dial_are_what_it_says() -> None:
    delay = Parameter("delay", "duration", "", default=1.0, dial=(0.1, 5))
    assert [delay.at_intensity(one) for one in (1, 10)] == [0.1, 5]


def test_between_them_each_step_is_the_same_factor() -> None:
    delay = Parameter("delay", "duration", "", default=1.0, dial=(0.001, 1))
    assert delay.at_intensity(4) == 0.01
    assert delay.at_intensity(7) == 0.1


def test_where_an_end_is_0_each_step_is_the_same_amount() -> None:
    left = Parameter("left", "integer", "", default=0, dial=(9, 0))
    assert [left.at_intensity(one) for one in (1, 2, 10)] == [9, 8, 0]


@pytest.mark.parametrize("fault", DIALLED, ids=lambda fault: fault.name)
def test_every_intensity_is_allowed_and_none_is_like_the_one_before(fault: Fault) -> None:
    checked = [fault.check(fault.at_intensity(one)) for one in INTENSITIES]
    for parameter in fault.dialled:
        values = [float(str(parameters[parameter.name])) for parameters in checked]
        assert len({before < after for before, after in pairwise(values)}) == 1
        assert all(before != after for before, after in pairwise(values))


def test_no_intensity_changes_nothing() -> None:
    assert FAULTS["latency"].at_intensity(None) == {}


@pytest.mark.parametrize("intensity", [0, 11, -1])
def test_another_number_is_refused_with_what_1_and_10_mean(intensity: int) -> None:
    with pytest.raises(Failure, match=f"no intensity {intensity}") as refused:
        FAULTS["latency"].at_intensity(intensity)
    assert refused.value.code == USAGE
    assert refused.value.next_step == "choose 1 to 10: 1 is delay 100ms, 10 is delay 5s"


def test_a_fault_that_cannot_be_stronger_or_weaker_says_so() -> None:
    with pytest.raises(Failure, match="kill has no intensity"):
        FAULTS["kill"].at_intensity(5)


@pytest.mark.parametrize("fault", DIALLED, ids=lambda fault: fault.name)
def test_what_is_typed_for_a_value_is_read_as_that(fault: Fault) -> None:
    for parameter in fault.dialled:
        for one in (LEAST_INTENSITY, MOST_INTENSITY):
            value = parameter.at_intensity(one)
            assert parameter.read(parameter.typed(value)) == pytest.approx(value)
