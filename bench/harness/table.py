"""Prints what was measured as Markdown: the same text goes to the terminal and into docs/benchmarks.md."""

from harness.measurement import Spread


def number(value, digits=3):
    """Three digits that matter."""
    if value is None:
        return "–"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}"


def _cell(spread, form=number):
    if spread is None:
        return "–"
    if form(spread.low) == form(spread.high):
        return form(spread.median)
    return f"{form(spread.median)} ({form(spread.low)}–{form(spread.high)})"


def _microseconds(measurements, who):
    return Spread.of([
        1e6 * one.cpu[who] / one.units for one in measurements if who in one.cpu and one.units
    ])


def _of(measurements, field):
    return Spread.of([getattr(one, field) for one in measurements])


def rows(header, body):
    """A table whose columns line up in a terminal."""
    widths = [max(len(line[index]) for line in [header, *body]) for index in range(len(header))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in [header, *body]
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _contestants(outcome):
    unit = outcome.line.unit
    header = [
        "who", f"{unit}/s", "p50 ms", "p99 ms", f"CPU µs/{unit}: program", "database", "load",
        f"rows written/{unit}", "memory MB",
    ]
    body = []
    for name, measurements in outcome.rounds.items():
        if not measurements:
            continue
        writes = Spread.of([
            one.writes / one.units for one in measurements if one.writes is not None and one.units
        ])
        body.append([
            name, _cell(_of(measurements, "rate")), _cell(_of(measurements, "p50")), _cell(_of(measurements, "p99")),
            *(_cell(_microseconds(measurements, who)) for who in ("program", "database", "load")),
            _cell(writes), _cell(_of(measurements, "memory")),
        ])
    # A column that nobody has anything in says nothing.
    kept = [index for index in range(len(header)) if any(row[index] != "–" for row in body)]
    return rows([header[index] for index in kept], [[row[index] for index in kept] for row in body])


def _books(outcome):
    kinds = {one.name: one.kind for one in outcome.line.contestants}
    names = [
        name for name, measurements in outcome.rounds.items()
        if measurements and measurements[-1].rows and kinds[name] in ("switchboard", "ceiling")
    ]
    if not names:
        return ""
    last = {name: outcome.rounds[name][-1] for name in names}
    tables = sorted({table for one in last.values() for table in one.rows})
    body = [
        [table, *(f"{one.rows.get(table, 0) / one.units:.3f}" for one in last.values())] for table in tables
    ]
    text = rows([f"rows left/{outcome.line.unit}", *names], body)
    if outcome.differences:
        text += "\n\nThe books differ: " + "; ".join(outcome.differences) + "."
    return text


def _aims(outcome, judged):
    body = []
    for aim in outcome.line.aims:
        sign = "≤" if aim.is_most else "≥"
        if aim.theirs is None:
            spread = _of(outcome.rounds.get(aim.ours, []), aim.metric)
        else:
            spread = outcome.ratio(aim)
        if spread is None:
            continue
        met = spread.median <= aim.value if aim.is_most else spread.median >= aim.value
        against = f" : {aim.theirs}" if aim.theirs else ""
        what = "" if aim.metric == "rate" else f"{aim.metric} of "
        form = (lambda value: f"{value:.2f}") if aim.theirs else number
        body.append([
            aim.text or f"{what}{aim.ours}{against}", _cell(spread, form), f"{sign} {aim.value:g}",
            "met" if met else "not met",
        ])
    if not body:
        return ""
    header = ["ratio, round by round", "median (min–max)", "aim", ""]
    if not judged:
        header, body = header[:3], [row[:3] for row in body]
    return rows(header, body)


def section(outcome, judged=True):
    """Everything about a line."""
    parts = [f"### {outcome.line.title}"]
    if outcome.skipped:
        parts.append(f"Left out: {outcome.skipped}.")
    if outcome.error:
        parts.append(f"Failed: {outcome.error}")
    if any(outcome.rounds.values()):
        parts += [_contestants(outcome), _aims(outcome, judged), _books(outcome)]
    if outcome.line.note:
        parts.append(outcome.line.note)
    return "\n\n".join(part for part in parts if part)
