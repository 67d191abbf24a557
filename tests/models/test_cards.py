"""The card tells start, data, licences, hashes, recipe, seed, machine and figures."""

from __future__ import annotations

import numpy as np

from models.cards import card
from models.datasets import SourceRecord
from models.evaluation import Found, measure
from models.labels import Labels
from models.recipe import Recipe
from models.training import StageRecord, TrainingRun

RECIPE = Recipe.model_validate(
    {
        "schema": 1,
        "name": "tiny",
        "summary": "Finds things.",
        "start": "start.pt",
        "start_sha256": "5" * 64,
        "start_origin": "somebody's network",
        "seed": 11,
        "head": {"person": ["person"]},
        "sources": [
            {
                "name": "set",
                "folder": "set",
                "licence": "CC BY 4.0",
                "origin": "a camera",
                "classes": {0: "person"},
            }
        ],
        "stages": [{"name": "one", "sources": ["set"], "epochs": 3}],
        "evaluations": [
            {"name": "corridor", "folder": "x", "layout": "mot", "counts": ["person"]},
        ],
    }
)
RUN = TrainingRun(
    "tiny",
    "5" * 64,
    11,
    {"start": 0.25, "one": 0.75},
    "checkpoint.pt",
    "c" * 64,
    "a machine",
    {"torch": "9.9"},
    (
        StageRecord(
            "one",
            (SourceRecord("set", "CC BY 4.0", "a camera", 7, {"person": 21}, 4, "d" * 64),),
            12.0,
        ),
    ),
)


def test_the_card_tells_all_of_it() -> None:
    box = np.array([[0.0, 0.0, 20.0, 100.0]])
    truth = Labels(box, np.zeros(1, np.int64))
    hit = Found(box, np.zeros(1, np.int64), np.array([0.9]))
    miss = Found(box + 500, np.zeros(1, np.int64), np.array([0.9]))
    ours = measure([(hit, truth)], ["person"], {"person": 0.4})
    start = measure([(miss, truth)], ["person"], {"person": 0.4})
    text = card(RUN, RECIPE, {"corridor": ours}, {"corridor": start}, "some-cpu")
    for told in (
        "Finds things.",
        "c" * 64,
        "5" * 64,
        "somebody's network",
        "CC BY 4.0",
        "a camera",
        "21 person",
        "d" * 16,
        "| seed | 11 |",
        "a machine",
        "torch 9.9",
        "some-cpu",
        "| one | set | 3 |",
        "start (25%), one (75%)",
        "| corridor (1) | person | 1 | 0.000 | 1.000 | 1.000 | 0.4 | 1.000 | 1.000 | 0.000 |",
        "- corridor, person: 64-128: 1.000 of 1",
    ):
        assert told in text
