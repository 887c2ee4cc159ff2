"""How much ranks change when weights, normalisation and aggregation vary.

A Monte Carlo uncertainty analysis: OECD/JRC, Handbook on Constructing Composite Indicators (2008), step 8; Saisana,
Saltelli and Tarantola (2005). Scenario 0 is the method itself. In every other, each weight is multiplied by a number
drawn uniformly from 1 - spread to 1 + spread, and one normalisation and one aggregation are drawn from the declared one and
its alternatives, with equal probability.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.declarations.methods import Sensitivity
from pipelines.indices.evaluate import Evaluation, references_of, score
from pipelines.indices.normalise import normalise
from pipelines.indices.rank import rank
from pipelines.indices.reasons import Floats


@dataclass(frozen=True)
class RankRange:
    """For each observation the ranks in all scenarios; NaN if there is none.

    ``same``: share of the scenarios with the method's rank. ``scenarios``: the number of scenarios with a rank.
    """

    base: Floats
    least: Floats
    low: Floats
    median: Floats
    mean: Floats
    high: Floats
    greatest: Floats
    same: Floats
    scenarios: Floats


@np.errstate(all="ignore")
def sensitivity(evaluation: Evaluation, settings: Sensitivity | None = None) -> RankRange:
    """Ranges of the root's ranks; ``low`` and ``high`` are the 5th and 95th percentile."""
    varied = settings or evaluation.method.sensitivity
    tree, observations = evaluation.tree, evaluation.observations
    references = references_of(evaluation.method, observations)
    kinds = [
        {
            leaf.code: normalise(
                evaluation.prepared[leaf.code].values,
                evaluation.prepared[leaf.code].reasons,
                rule or leaf.normalise,
                leaf.direction,
                references,
            )
            for leaf in tree.leaves
        }
        for rule in (None, *varied.normalisations)
    ]
    means = (None, *varied.aggregations)
    generator = np.random.Generator(np.random.PCG64(varied.seed))
    root = tree.root.code
    base = evaluation.ranks[root]
    found = np.empty((varied.draws + 1, len(observations)))
    found[0] = base
    for scenario in range(1, varied.draws + 1):
        # always the same number of draws, so that a scenario does not depend on the choices in earlier ones
        factors = 1 + varied.weight_spread * (2 * generator.random(len(tree.nodes)) - 1)
        kind, mean = generator.random(2)
        weights = {
            node.code: node.weight * float(factor)
            for node, factor in zip(tree.nodes.values(), factors, strict=True)
        }
        scored = score(
            tree, evaluation.prepared, kinds[int(kind * len(kinds))], weights, means[int(mean * len(means))]
        )
        found[scenario] = rank(scored[root].score, observations, evaluation.method.ranks)
    return _ranges(base, found)


def _ranges(base: Floats, found: Floats) -> RankRange:
    ranked = ~np.isnan(found)
    count = ranked.sum(axis=0).astype(np.float64)
    columns = [found[ranked[:, place], place] for place in range(found.shape[1])]

    def of_each(function: str, *arguments: float) -> Floats:
        return np.array(
            [getattr(np, function)(c, *arguments) if len(c) else np.nan for c in columns], dtype=np.float64
        )

    return RankRange(
        base=base,
        least=of_each("min"),
        low=of_each("percentile", 5),
        median=of_each("median"),
        mean=of_each("mean"),
        high=of_each("percentile", 95),
        greatest=of_each("max"),
        same=np.where(
            np.isnan(base), np.nan, (found == base[None, :]).sum(axis=0) / np.where(count > 0, count, 1.0)
        ),
        scenarios=count,
    )
