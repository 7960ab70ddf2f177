"""Whether the samples of a batch reuse a stage: measured together, read once, decided one by one."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from h2cache.distance import Measured, distances, rates, read_all, see
from h2cache.family import Conditioning, FluxModel
from h2cache.gate import COMPUTE, Decision, Moment, Norm
from h2cache.method import Against, Measure, Stage
from h2cache.rule import Ask, Verdict, ask
from h2cache.sample_step import SampleStep, Snapshot
from h2cache.state import Forecast, Reference
from h2cache.summary import View


@dataclass(frozen=True, slots=True)
class Question:
    """One sample at one of its stages."""

    step: SampleStep
    number: int
    stage: Stage
    ask: Ask

    @property
    def measure(self) -> Measure | None:
        """What is looked at for the gate: to decide now, or to compare with in the next step."""
        measure = self.stage.measure
        if measure is None or self.ask is Ask.OFF:
            return None
        return measure if self.ask is not Ask.FORCED or measure.against is Against.PREVIOUS else None

    @property
    def forecast(self) -> Forecast | None:
        """The last forecast where the gate is to be told of it: how it was off, once, or how far down sigma is."""
        if self.ask not in (Ask.TEST, Ask.OVERRULED) or not self.stage.asks_forecast:
            return None
        before = self.step.cache.stages[self.number]
        knows_all = bool(before.memory) and self._known_sigma is not None
        return None if knows_all else before.anchors[0].forecast

    def sigma(self, told: Measured) -> tuple[float, float]:
        """The noise level of the last computed step and how far it is down since: the host's, or as told."""
        return self._known_sigma or (told.sigma, told.moved)

    @property
    def _known_sigma(self) -> tuple[float, float] | None:
        last, here = self.step.cache.stages[self.number].anchors[0].forecast, self.step.level
        if last is None or last.level is None or here is None:
            return None
        return last.level, last.level - here

    @property
    def followed(self) -> Measure | None:
        """What is looked at for the fill."""
        return None if self.ask is Ask.OFF else self.stage.followed


def decide(
    model: FluxModel,
    conditioning: Conditioning,
    view: View,
    number: int,
    steps: Sequence[SampleStep],
    now: Snapshot,
    starts: dict[int, Snapshot],
) -> None:
    """Give each sample its verdict on stage ``number``; ``now`` is where the probe has ended."""
    questions = [
        Question(step, number, step.stage(number), ask(step.cache, number, step.verdicts)) for step in steps
    ]
    looked = look(model, conditioning, view, number, questions, now, starts)
    for question in questions:
        row = question.step.row
        question.step.seen.append(looked.get((row, question.measure)))
        question.step.followed.append(looked.get((row, question.followed)))
    told = measure([question for question in questions if question.ask is not Ask.FORCED], number)
    for question in questions:
        question.step.verdicts.append(verdict(question, number, told.get(question.step.row)))


def look(
    model: FluxModel,
    conditioning: Conditioning,
    view: View,
    number: int,
    questions: Sequence[Question],
    now: Snapshot,
    starts: dict[int, Snapshot],
) -> dict[tuple[int, Measure | None], Reference]:
    """What is measured of each sample, by its row and the measure; equal measures are taken together.

    Reference tokens are left out: they are given, not made, and would water the image's movement down.
    """
    groups: defaultdict[tuple[Measure, int], list[int]] = defaultdict(list)
    for question in questions:
        for how in {question.measure, question.followed}:
            if how is not None:
                groups[how, question.step.spans[number].start].append(question.step.row)
    looked: dict[tuple[int, Measure | None], Reference] = {}
    for (how, start), rows in groups.items():
        those = view.rows(rows)
        before, after = (conditioning.without_references(at.of(rows)) for at in (starts[start], now))
        signal = how.signal(model, before, after, conditioning.rows(rows), those)
        for row, seen in zip(rows, see(how.summary(signal, those)), strict=True):
            looked[row, how] = seen
    return looked


def measure(questions: Sequence[Question], number: int) -> dict[int, Measured]:
    """The distances on the host, by the samples' rows; no read where nothing was looked at."""
    groups: defaultdict[tuple[Norm | None, tuple[int, ...]], list[tuple[Question, Reference]]] = defaultdict(list)
    for question in questions:
        seen = question.step.seen[number]
        if seen is not None:
            groups[question.stage.gate.measures, tuple(seen.summary.shape)].append((question, seen))
    tables, rows = [], []
    for (norm, _), group in groups.items():
        rows += [question.step.row for question, _ in group]
        tables.append(
            distances(
                [seen for _, seen in group],
                [reference(question, number) for question, _ in group],
                [question.step.marks for question, _ in group],
                norm,
            )
        )
    known = [(question.step, forecast) for question in questions if (forecast := question.forecast) is not None]
    if known:
        rows += [step.row for step, _ in known]
        tables.append(
            rates(
                [forecast for _, forecast in known],
                [step.sigma for step, _ in known],
                [step.marks for step, _ in known],
            )
        )
    return dict(zip(rows, read_all(tables), strict=True))


def reference(question: Question, number: int) -> Reference | None:
    """What the sample's distance is taken to."""
    before = question.step.cache.stages[number]
    assert question.stage.measure is not None
    if question.stage.measure.against is Against.PREVIOUS:
        return before.previous
    return before.anchors[0].seen if before.anchors else None


def verdict(question: Question, number: int, told: Measured | None) -> Verdict:
    """What becomes of the stage."""
    if question.ask is Ask.OFF:
        return Verdict(reused=False)
    if question.ask is Ask.FORCED:
        return Verdict(reused=True)
    told = told or Measured(None, finite=True)
    decision = COMPUTE
    if question.ask in (Ask.TEST, Ask.OVERRULED) and told.finite:
        decision = _asked_of_gate(question, number, told)
    reuse = decision.reuse or (question.ask is Ask.OVERRULED and told.finite)
    return Verdict(
        reuse,
        told.distance,
        told.finite,
        stores=told.finite and not reuse,
        memory=decision.memory if reuse else (),
    )


def _asked_of_gate(question: Question, number: int, told: Measured) -> Decision:
    cache = question.step.cache
    before, (sigma, moved) = cache.stages[number], question.sigma(told)
    moment = Moment(
        cache.step_index,
        cache.num_steps,
        told.distance,
        before.memory,
        before.consecutive,
        before.anchors[0].gap,
        sigma,
        moved,
    )
    return question.stage.gate.decide(moment)
