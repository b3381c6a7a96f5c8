"""Documents of studies for the tests of the page: every member of results.json, with random figures of a fixed seed."""

import base64
import math
import random

GENRES = ["Electronic", "Experimental", "Folk", "Hip-Hop", "Instrumental", "International", "Pop", "Rock"]
NASTY = [
    "R&B <script>alert(1)</script>",
    "\"Drum\" & 'Bass'",
    "مقام عراقي",
    "שירי עם",
    "🎸 Rock 🤘",
    "</script><b>x",
    "{{name}}",
    "a" * 80,
]
MODELS = [
    ("gnb", "Gaussian naive Bayes", "fma518", 0.38),
    ("knn", "k nearest neighbours", "fma518", 0.43),
    ("logreg", "Logistic regression", "fma518", 0.51),
    ("svm-rbf", "SVM, RBF kernel", "fma518", 0.54),
    ("mlp", "Multi-layer perceptron", "fma518", 0.50),
    ("raw10k/cnn1d", "1-D convolutional network", "raw10k", 0.27),
    ("mel224/mobilenetv2", "MobileNetV2 transfer", "mel224", 0.40),
    ("audiotag/svm-rbf", "SVM, RBF kernel", "audiotag", 0.60),
]


def interval(value, n):
    z, centre = 1.96, value + 1.96**2 / (2 * n)
    half = z * math.sqrt(value * (1 - value) / n + z * z / (4 * n * n))
    return {
        "value": value,
        "low": max(0, (centre - half) / (1 + z * z / n)),
        "high": min(1, (centre + half) / (1 + z * z / n)),
        "n": n,
    }


def confusion_of(draw, count, per_genre, accuracy):
    rows = [[0] * count for _ in range(count)]
    for truth in range(count):
        for _ in range(per_genre):
            near = min(count - 1, max(0, truth + draw.choice((-2, -1, 1, 2))))
            rows[truth][
                truth if draw.random() < accuracy else near if draw.random() < 0.6 else draw.randrange(count)
            ] += 1
    return rows


def scores(draw, labels, per_genre, accuracy):
    rows = confusion_of(draw, len(labels), per_genre, accuracy)
    genres = []
    for i, label in enumerate(labels):
        predicted, hits = sum(row[i] for row in rows), rows[i][i]
        precision, recall = hits / max(1, predicted), hits / per_genre
        genres.append(
            {
                "genre": label,
                "examples": per_genre,
                "predicted": predicted,
                "hits": hits,
                "precision": precision,
                "recall": recall,
                "f1": 2 * precision * recall / max(1e-9, precision + recall),
            }
        )
    n, right = per_genre * len(labels), sum(genre["hits"] for genre in genres)
    tops = [min(1, right / n + (1 - right / n) * (1 - 0.6**k)) for k in range(min(5, len(labels)))]
    return {
        "accuracy": interval(right / n, n),
        "accuracy_over_groups": None,
        "macro_f1": sum(g["f1"] for g in genres) / len(genres),
        "balanced_accuracy": right / n,
        "log_loss": 0.6 + 3 * (1 - accuracy) ** 2,
        "genres": genres,
        "confusion": rows,
        "top_k": [{"k": k + 1, **interval(value, n)} for k, value in enumerate(tops)],
    }


def curves(draw, labels, accuracy):
    found = []
    for label in labels:
        power = 1 / (0.15 + (1 - accuracy) * draw.uniform(0.5, 1))
        grid = [i / 40 for i in range(41)]
        found.append(
            {
                "genre": label,
                "auc": power / (1 + power),
                "average_precision": accuracy,
                "roc": [[x, x ** (1 / power)] for x in grid],
                "precision_recall": [[x, max(0.1, 1 - x**power * (1 - accuracy / 2))] for x in grid],
            }
        )
    return {"macro_auc": sum(curve["auc"] for curve in found) / len(found), "curves": found}


def clip_of(i, labels, folder="/music"):
    return {
        "id": f"{100000 + i}",
        "file": f"{folder}/{i % 156:03d}/{100000 + i} #1.mp3",
        "artist": f"Artist {i % 31}",
        "genre": labels[i % len(labels)],
    }


def details(draw, labels, model, accuracy, n):
    bins = [
        {
            "low": low / 10,
            "high": low / 10 + 0.1,
            "count": draw.randrange(5, 90),
            "confidence": low / 10 + 0.05,
            "accuracy": max(0, min(1, low / 10 + 0.03 - 0.15 * low / 10)),
        }
        for low in range(2, 10)
    ]
    model["calibration"] = {"ece": draw.uniform(0.02, 0.2), "bins": bins}
    model["coverage"] = [
        {
            "threshold": 1 - k / 41,
            "coverage": k / 40,
            "accuracy": min(1, accuracy + (1 - accuracy) * (1 - k / 40) ** 1.3),
        }
        for k in range(1, 41)
    ]
    model.update(curves(draw, labels, accuracy))
    model["artists"] = {
        "count": 31,
        "worst": [
            {"artist": f"Artist {k}", "genre": labels[k % len(labels)], "examples": 4 + k % 5, "hits": k // 4}
            for k in range(12)
        ],
    }
    model["confident_mistakes"] = [
        {**clip_of(7 * k, labels), "predicted": labels[(7 * k + 1) % len(labels)], "probability": 0.99 - k / 60}
        for k in range(20)
    ]
    wrong = n - round(model["accuracy"]["value"] * n)
    model["tree_confusion"] = {"same_parent": wrong // 3, "other_parent": wrong - wrong // 3}
    model["cost"] = {"peak_memory_bytes": draw.randrange(10**7, 10**9), "model_bytes": draw.randrange(10**4, 10**8)}


def network(accuracy, epochs=60):
    rows = [
        {
            "epoch": e,
            "loss": 2.1 * math.exp(-e / 14) + 0.05,
            "accuracy": 1 - 0.85 * math.exp(-e / 12),
            "validation_loss": 1.9 - 0.5 * (1 - math.exp(-e / 8)) + 0.012 * max(0, e - 18),
            "validation_accuracy": accuracy * (1 - math.exp(-e / 6)),
            "learning_rate": 0.001,
        }
        for e in range(1, epochs + 1)
    ]
    return {"chosen_epoch": 18, "epochs": rows, "folder": "networks/cnn1d"}


def bytes_of(rows, columns, value):
    return base64.b64encode(
        bytes(max(0, min(255, int(value(r, c)))) for r in range(rows) for c in range(columns))
    ).decode()


def exploration(draw, labels):
    clips = []
    for i, label in enumerate(labels[:16]):
        loud = [abs(math.sin(k / (3 + i))) * draw.uniform(0.4, 0.9) for k in range(300)]
        mel = bytes_of(
            64, 200, lambda r, c: 230 - 2.4 * r + 60 * math.sin(c / (2 + i)) * math.exp(-r / 30) + draw.uniform(-25, 25)
        )
        chroma = bytes_of(12, 200, lambda r, c: 40 + 180 * ((r * 7 + c // 25 + i) % 12 < 3) + draw.uniform(-20, 20))
        clips.append(
            {
                **clip_of(i, labels),
                "genre": label,
                "duration_s": 29.98,
                "waveform": {"low": [-x for x in loud], "high": loud},
                "mel": {"rows": 64, "columns": 200, "db_low": -80, "db_high": 0, "values": mel},
                "chroma": {"rows": 12, "columns": 200, "values": chroma},
                "centroid_hz": [1500 + 300 * i + 500 * math.sin(k / 9) + draw.uniform(-150, 150) for k in range(200)],
            }
        )
    boxes = []
    for k in range(8):
        rows = []
        for i, label in enumerate(labels):
            q = sorted(draw.gauss(i * (8 - k) / 3, 2) for _ in range(5))
            rows.append({"genre": label, "quantiles": q})
        boxes.append({"feature": f"mfcc mean {k + 1:02d}", "f": 60 / (k + 1), "genres": rows})

    def cloud(features, method, axes):
        return {
            "features": features,
            "method": method,
            "axes": axes,
            "points": [
                [
                    draw.gauss(4 * math.cos(i % len(labels)), 1.6),
                    draw.gauss(4 * math.sin(i % len(labels)), 1.6),
                    i % len(labels),
                ]
                for i in range(1500)
            ],
        }

    return {
        "clips": clips,
        "distributions": boxes,
        "projections": [
            cloud("fma518", "PCA", ["PC 1 (23 %)", "PC 2 (11 %)"]),
            cloud("fma518", "t-SNE", ["t-SNE 1", "t-SNE 2"]),
        ],
    }


def study(labels=GENRES, per_genre=100, models=MODELS, seed=1):
    """A document with every member; `per_genre`: test clips of each genre."""
    draw, n, count = random.Random(seed), per_genre * len(labels), len(labels)
    built = []
    for i, (name, title, features, accuracy) in enumerate(models):
        model = {
            "name": name,
            "title": title,
            "kind": name.split("/")[-1],
            "features": features,
            "columns": 518,
            "parameters": {"C": "4", "gamma": "0.01"},
            **scores(draw, labels, per_genre, accuracy),
            "choose_s": 2.0 * (i + 1) ** 2,
            "fit_s": 0.05 * (i + 1) ** 3,
            "predict_s": 0.01 * (i + 1),
            "model_file": f"models/{name}.gwm".replace("/", "-", name.count("/")),
        }
        tried = [
            {
                "parameters": {"C": str(2**c), "gamma": f"{10 ** -g:g}"},
                "accuracy": max(
                    0.0, accuracy - 0.02 * (c - 2) ** 2 / 4 - 0.03 * abs(g - 2) + draw.uniform(-0.01, 0.01)
                ),
                "log_loss": 1.4,
            }
            for c in range(6)
            for g in range(1, 5)
        ]
        model["validation"] = {"accuracy": interval(accuracy + 0.01, n), "log_loss": 1.4, "tried": tried}
        details(draw, labels, model, accuracy, n)
        if i == 0:
            model["log_loss"] = 8.21
        if "cnn" in name or "mobilenet" in name:
            model["training"] = network(accuracy)
        built.append(model)
    best = max((m for m in built), key=lambda m: m["validation"]["accuracy"]["value"])
    value = best["accuracy"]["value"]
    best["accuracy_over_groups"] = {"low": max(0, value - 0.06), "high": min(1, value + 0.055), "groups": 31}
    for model in built:
        if model is not best:
            model["versus_best"] = {"only_this": 40, "only_best": 90, "p_value": draw.choice((0.0004, 0.02, 0.3))}
    best["learning_curve"] = [
        {
            "examples": 400 * k,
            "accuracy": 0.62 - 0.35 / (k + 0.6),
            "low": 0.58 - 0.35 / (k + 0.6),
            "high": 0.66 - 0.35 / (k + 0.6),
        }
        for k in range(1, 13)
    ]
    best["importance"] = [
        {
            "group": g,
            "columns": 140 - 12 * k,
            "drop": 0.14 / (k + 1) - 0.015,
            "low": 0.11 / (k + 1) - 0.025,
            "high": 0.17 / (k + 1),
        }
        for k, g in enumerate(
            ["mfcc", "spectral_contrast", "chroma_cens", "tonnetz", "spectral_centroid", "zcr", "rmse"]
        )
    ]
    best["explained_variance"] = [0.2 * 0.8**k for k in range(30)]
    failed = {
        "name": "tabnet",
        "title": "Network that <i>diverged</i>",
        "kind": "tabnet",
        "features": "fma518",
        "columns": 518,
        "error": "the loss is not a number in epoch 3",
    }
    names = [m["name"] for m in built]
    pairs = [
        {
            "first": a["name"],
            "second": b["name"],
            "only_first": 60,
            "only_second": 41,
            "p_value": 0.02,
            "p_holm": draw.choice((0.001, 0.03, 0.4, 1.0)),
            "difference": a["accuracy"]["value"] - b["accuracy"]["value"],
            "low": -0.01,
            "high": 0.08,
        }
        for i, a in enumerate(built)
        for b in built[i + 1 :]
    ]
    baseline = {
        "name": "majority",
        "title": "Most frequent genre",
        "kind": "majority",
        **scores(draw, labels, per_genre, 1 / count),
        "validation": {"accuracy": interval(1 / count, n), "log_loss": math.log(count)},
    }
    sets = [
        {"name": s, "version": 1, "hash": "5a" * 32, "columns": c, "extract_s": e}
        for s, c, e in (("fma518", 518, 320.5), ("raw10k", 10000, 0), ("mel224", 150528, 0), ("audiotag", 912, 95.0))
    ]
    genres = [
        {
            "genre": label,
            "examples": 10 * per_genre,
            "tracks": 10 * per_genre,
            "artists": 40 + 3 * i % 50,
            "albums": 60 + i % 50,
            "training": 8 * per_genre,
            "validation": per_genre,
            "test": per_genre,
        }
        for i, label in enumerate(labels)
    ]
    return {
        "format": "genrewise results",
        "format_version": 1,
        "program_version": "0.0.1",
        "name": "fma-original",
        "preset": "original",
        "command": "genrewise study data/fma --preset original -o runs/fma-original",
        "created": "2026-11-29T12:00:00Z",
        "seed": 42,
        "dataset": {
            "name": "fma_small",
            "kind": "fma",
            "location": "data/fma",
            "examples": 10 * n,
            "notes": [],
            "genres": genres,
            "skipped": [{"reason": "not audio", "count": 3}, {"reason": "empty file", "count": 1}],
            "clip_s": {"least": 0.5, "median": 30.0, "most": 30.02, "total": 239000.0},
        },
        "features": sets[0],
        "feature_sets": sets,
        "labels": labels,
        "models": built + [failed],
        "best": best["name"],
        "baseline": baseline,
        "split": {
            "scheme": "official",
            "seed": 42,
            "training": 8 * n,
            "validation": n,
            "test": n,
            "notes": [],
            "leakage": [
                {"kind": "artist", "groups": 0, "examples": 0, "samples": []},
                {"kind": "album", "groups": 2, "examples": 9, "samples": ["x"]},
                {"kind": "track", "groups": 0, "examples": 0, "samples": []},
            ],
        },
        "preprocessing": {"standardise": True, "pca_components": 0},
        "notes": [
            f"With {n} test examples the 95 % interval of the best accuracy is about ±3.4 points.",
            "Fewer than 30 test examples: none.",
            "2 albums appear in more than one part; 9 validation and test examples are theirs.",
        ],
        "genre_tree": {label: f"Family {'ABC'[i % 3]}" for i, label in enumerate(labels)},
        "pairs": pairs,
        "always_wrong": {
            "count": 57,
            "clips": [
                {
                    **clip_of(11 * k, labels),
                    "predicted": {m: labels[(11 * k + 1 + j % 2) % count] for j, m in enumerate(names)},
                }
                for k in range(30)
            ],
        },
        "protocols": {
            "note": "The same models under a split that ignores artists.",
            "schemes": [
                {
                    "scheme": s,
                    "models": [
                        {"name": m["name"], "accuracy": interval(min(1, m["accuracy"]["value"] + more), n)}
                        for m in built
                    ],
                }
                for s, more in (("grouped", 0), ("random", 0.09))
            ],
        },
        "nested": {
            "outer_folds": 5,
            "models": [
                {
                    "name": m["name"],
                    "accuracy": interval(m["accuracy"]["value"], 10 * n),
                    "folds": [min(1, max(0, draw.gauss(m["accuracy"]["value"], 0.02))) for _ in range(5)],
                }
                for m in built[:4]
            ],
        },
        "repeats": {
            "seeds": [1, 2, 3, 4, 5],
            "models": [
                {
                    "name": m["name"],
                    "mean": m["accuracy"]["value"],
                    "sd": 0.012,
                    "values": [min(1, max(0, draw.gauss(m["accuracy"]["value"], 0.012))) for _ in range(5)],
                }
                for m in built
            ],
        },
        "published": [
            {
                "dataset": "FMA small",
                "protocol": "official split",
                "method": "SVM on 140 MFCC statistics",
                "accuracy": 0.464,
                "source": "Defferrard et al. 2017",
                "this_protocol": True,
            },
            {
                "dataset": "FMA small",
                "protocol": "random 80/20",
                "method": "k nearest neighbours",
                "accuracy": 0.45,
                "source": "study",
                "this_protocol": False,
            },
        ],
        "left_out": [
            {"model": "musicnn/svm-rbf", "reason": "weights are missing", "remedy": "genrewise fetch weights musicnn"}
        ],
        "stages": [
            {"stage": "features fma518", "seconds": 320.5, "peak_memory_bytes": 412000000},
            {"stage": "pack raw10k", "seconds": 60.2, "peak_memory_bytes": 90000000},
            {"stage": "cnn1d", "seconds": 500.0, "peak_memory_bytes": 900000000},
        ],
        "ablation": [
            {
                "features": f,
                "fma_name": None,
                "columns": c,
                "models": [
                    {key: m[key] for key in ("name", "title", "accuracy", "macro_f1", "fit_s", "predict_s")}
                    for m in built[:5]
                ],
            }
            for f, c in (("mfcc", 140), ("chroma_cens", 84), ("tonnetz", 42), ("all", 518))
        ],
        "exploration": exploration(draw, labels),
    }


def minimal():
    """A document as earlier versions wrote it: one model, without any optional member."""
    document = study(GENRES[:3], 1, MODELS[:1])
    keep = {
        "format",
        "format_version",
        "program_version",
        "name",
        "command",
        "created",
        "seed",
        "dataset",
        "features",
        "feature_sets",
        "split",
        "preprocessing",
        "labels",
        "models",
        "best",
        "baseline",
        "notes",
    }
    document = {key: value for key, value in document.items() if key in keep}
    model = document["models"][0]
    for key in (
        "calibration",
        "coverage",
        "macro_auc",
        "curves",
        "artists",
        "confident_mistakes",
        "tree_confusion",
        "learning_curve",
        "importance",
        "cost",
        "explained_variance",
    ):
        model.pop(key, None)
    model["accuracy_over_groups"] = None
    model["validation"]["tried"] = model["validation"]["tried"][:1]
    document["models"] = [model]
    document["dataset"]["clip_s"] = None
    return document


def search(count=180):
    """A document of a search over two parameters."""
    draw = random.Random(3)
    cs, gammas = [f"{2.0 ** c:g}" for c in range(count // 12)], [f"{10.0 ** -g:g}" for g in range(12)]
    points = []
    for i, c in enumerate(cs):
        for j, gamma in enumerate(gammas):
            folds = [
                max(0, min(1, 0.6 - 0.002 * (i - 6) ** 2 - 0.01 * abs(j - 4) + draw.gauss(0, 0.02))) for _ in range(5)
            ]
            point = {
                "parameters": {"C": c, "gamma": gamma, "kernel": "rbf"},
                "varied": {"C": c, "gamma": gamma},
                "accuracy": sum(folds) / 5,
                "standard_error": 0.012,
                "log_loss": 1.3,
                "fold_accuracy": folds,
                "fold_log_loss": [1.3] * 5,
                "fit_s": 0.4,
                "predict_s": 0.02,
            }
            if i == 3 and j == 3:
                point["error"] = "svm: <did> not converge"
            points.append(point)
    best = max(range(len(points)), key=lambda i: points[i]["accuracy"])
    base = study(GENRES[:4], 5, MODELS[:1])
    return {
        **{key: base[key] for key in ("program_version", "created", "seed", "features", "feature_sets")},
        "format": "genrewise tuning",
        "format_version": 1,
        "name": "svm-search",
        "command": "genrewise tune data/fma --model svm:C=log:1:2:15 -o runs/svm",
        "dataset": {**base["dataset"], "used": "training and validation"},
        "kind": "svm",
        "fixed": {"kernel": "rbf"},
        "axes": [{"parameter": "C", "values": cs}, {"parameter": "gamma", "values": gammas}],
        "folds": 5,
        "scheme": "grouped",
        "points": points,
        "failed": [],
        "best": best,
        "one_standard_error": max(0, best - 12),
        "explained_variance": {"features": "all", "shares": [0.2 * 0.8**k for k in range(20)]},
        "train_command": "genrewise train data/fma --model svm",
        "notes": ["The best of many settings is optimistic."],
    }
