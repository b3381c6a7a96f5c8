// The page of a study: sections built from the document of results.json. A section whose members the document lacks is
// left out. docs/results_format.md explains the members. This file has the sections that compare the models.
import {figure, interval, matrix, rowChart} from "./charts.js";
import {ablation, artists, calibration, choices, components, cost, curves, data, exploration, made, mistakes, training,
  why} from "./details.js";
import {count, duration, fixed, h, numberColumn, percent, points, pValue, range, table,
  textColumn} from "./elements.js";
import {by, code, facts, grid, name, notesBox, plural, settingText, showPage, small, some, sum} from "./page.js";
import {best, chance, detail, doc, featureSets, fitted, labels, live, modelToggle, openStudy, rowsFigure, score, shown,
  titleByName, titleOf, top, visible} from "./study.js";

function headline() {
  const notes = doc.notes.filter((note) => note !== doc.best_note);
  if (!best) {
    return [h("p", {class: "failed"}, "No model could be fitted; the table of models states the reasons."),
      notesBox(notes)];
  }
  const {accuracy_over_groups: over, accuracy_over_groups_withheld: withheld} = best;
  const read = over ? "Read the interval over artists: clips of one artist are not independent of each other."
    : withheld ? `The interval over artists is withheld: ${withheld}.`
      : "The interval treats the test clips as independent of each other.";
  return h("div", {class: "headline"},
    h("div", {class: "card"},
      h("p", {class: "number"}, percent(score(best))),
      h("p", {}, "test accuracy of ", h("b", {}, name(titleOf(best)))),
      facts("figures", [
        over && [`95 % interval over ${plural(over.groups, "artist")}`, h("b", {class: "read"}, range(over))],
        ["95 % interval over clips", range(best.accuracy)],
        ["macro-F1", points(best.macro_f1)],
        labels.length > 3 && top(best, 3) && ["top-3 accuracy", percent(top(best, 3))],
        ["always the most frequent genre", percent(score(chance))],
        ["test clips", count(best.accuracy.n)],
      ]),
      small(read), doc.best_note ? small(doc.best_note) : higherNote()),
    notesBox(notes));
}

/** Why a model with a higher test accuracy is not the best. */
function higherNote() {
  const higher = fitted.filter((model) => score(model) > score(best)).sort(by(score))[0];
  const validation = (model) => percent(model.validation.accuracy.value);
  return higher && small(`The best model is chosen by validation accuracy (${validation(best)}). `,
    name(titleOf(higher)), ` reaches ${percent(score(higher))} on the test part with ${validation(higher)} on the `,
    "validation part; a choice by test scores would make them optimistic.");
}

function chosenText(model) {
  const tried = model.validation?.tried ?? [];
  if (tried.length < 2) return "";
  return settingText(Object.fromEntries(Object.keys(tried[0].parameters).map((key) => [key, model.parameters[key]])));
}

function versusText({versus_best: versus}) {
  if (!versus) return "";
  const {p_value: p, only_this: ours, only_best: others} = versus;
  if (p >= 0.05) return `no significant difference from the best, p\u00a0=\u00a0${p.toFixed(2)}`;
  const text = p < 0.001 ? "<\u00a00.001" : `=\u00a0${p.toFixed(3)}`;
  return `${ours < others ? "worse" : "better"} than the best, p\u00a0${text}`;
}

function modelsTable() {
  const bounds = [...fitted, chance].flatMap((model) => [model.accuracy.low, model.accuracy.high]);
  const axis = [Math.floor(10 * Math.min(...bounds)) / 10, Math.ceil(10 * Math.max(...bounds)) / 10];
  const uniform = Math.log(labels.length), poor = (model) => model !== chance && model.log_loss > uniform;
  const metric = (title, get, cell) => ({name: title, number: true, value: (model) => (model.error ? null : get(model)),
    cell: (model) => (model.error ? "" : cell(model))});
  const time = (title, key) => metric(title, (model) => model[key],
    (model) => (model === chance ? "" : duration(model[key])));
  const columns = [
    {name: "Model", value: titleOf, cell: (model) => h("div", {class: "who"},
      !model.error && model !== chance && modelToggle(model),
      h("div", {}, h("span", {class: "title"}, name(titleOf(model))),
        !model.error && h("span", {class: "detail"}, chosenText(model))))},
    metric("Accuracy", score, (model) =>
      [h("b", {}, percent(score(model))), h("span", {class: "detail"}, range(model.accuracy))]),
    {name: "95 % interval", cell: (model) => (model.error ? h("span", {class: "failed"}, model.error)
      : [interval(model.accuracy, axis, score(chance), model === best ? "s0" : "muted"),
        h("span", {class: "detail"}, versusText(model))])},
    metric("Macro-F1", (model) => model.macro_f1, (model) => points(model.macro_f1)),
    labels.length > 3 && metric("Top 3", (model) => top(model, 3), (model) => percent(top(model, 3))),
    metric("Log loss", (model) => model.log_loss, (model) => [fixed(model.log_loss, 3),
      poor(model) && h("span", {class: "alarm detail"}, "worse than equal probabilities")]),
    metric("Validation", (model) => model.validation.accuracy.value,
      (model) => percent(model.validation.accuracy.value)),
    time("Fit", "fit_s"), time("Predict", "predict_s"),
  ].filter(Boolean);
  return [
    table({
      style: "models", columns, rows: [...doc.models, chance], sort: [1, -1],
      rowClass: (model) => (model === best ? "best" : model === chance ? "baseline" : null),
      caption: `Accuracy on the same ${plural(chance.accuracy.n, "test clip")}. Bars are 95 % intervals over clips, ` +
        `from ${points(axis[0], 0)} to ${percent(axis[1], 0)}; the dashed line is the accuracy of always predicting ` +
        "the most frequent genre.",
    }),
    small("The boxes show or hide a model in all figures below. “Validation” is the accuracy on the validation part ",
      "after fitting on training alone; parameters and the best model are chosen by it. All other figures are of the ",
      "test part, after fitting on training and validation together. “p”: exact McNemar test against the best, ",
      "two-sided, not corrected for the number of comparisons.",
      fitted.some(poor) && ` A log loss above ${fixed(uniform, 2)} is worse than equal probabilities for all genres.`),
    some(doc.left_out) && [h("h3", {}, "Left out"), table({
      caption: "Models that were not run, and the command that adds them.", rows: doc.left_out,
      columns: [textColumn("Model", (row) => row.model), textColumn("Reason", (row) => row.reason),
        {name: "Command", cell: (row) => code(row.remedy ?? "–")}],
    })],
  ];
}

function pairs() {
  if (!some(doc.pairs)) return null;
  const models = () => shown().sort(by(score));
  const most = Math.max(...doc.pairs.map((pair) => Math.abs(pair.difference)), 1e-9);
  const found = new Map(doc.pairs.flatMap((pair) => [
    [`${pair.first}\n${pair.second}`, pair],
    [`${pair.second}\n${pair.first}`, {...pair, difference: -pair.difference}]]));
  const at = (list, r, c) => found.get(`${list[r].name}\n${list[c].name}`);
  const draw = (width) => {
    const list = models();
    return matrix(width, {
      rows: list.map(titleOf), columns: list.map((model) => model.name),
      value: (r, c) => (at(list, r, c) ? 0.06 + 0.6 * Math.abs(at(list, r, c).difference) / most : null),
      tone: (r, c) => (at(list, r, c)?.difference < 0 ? "warm" : ""), mark: (r, c) => at(list, r, c)?.p_holm < 0.05,
      text: (r, c) => {
        const pair = at(list, r, c);
        return pair ? `${pair.difference > 0 ? "+" : ""}${points(pair.difference)}` : "";
      },
      tip: (r, c) => {
        const pair = at(list, r, c);
        return pair ? `${titleOf(list[r])} against ${titleOf(list[c])}: ${points(pair.difference)} points, p = ${
          pValue(pair.p_value)}, corrected ${pValue(pair.p_holm)}` : titleOf(list[r]);
      },
    });
  };
  const significant = doc.pairs.filter((pair) => pair.p_holm < 0.05).length;
  return [
    small("Significant at 5 % after Holm’s correction over all pairs (exact McNemar tests): ",
      `${significant} of ${plural(doc.pairs.length, "difference")}.`),
    figure({title: "Difference of test accuracy, row minus column, in points", draw,
      note: "Blue: the row is better; orange: the column is. Framed: significant after Holm’s correction."}),
    table({
      caption: "All pairs: clips that only one of the two models predicts correctly, and the difference in points " +
        "with its 95 % interval by bootstrap over groups.",
      rows: doc.pairs, limit: 15, sort: [5, 1],
      columns: [
        textColumn("First", (pair) => titleByName(pair.first)),
        textColumn("Second", (pair) => titleByName(pair.second)),
        numberColumn("Only first", (pair) => pair.only_first), numberColumn("Only second", (pair) => pair.only_second),
        numberColumn("p", (pair) => pair.p_value, pValue), numberColumn("p, corrected", (pair) => pair.p_holm, pValue),
        numberColumn("Difference", (pair) => pair.difference, points),
        {name: "95 % interval", number: true,
          cell: (pair) => (pair.low === null ? "–" : `${points(pair.low)} – ${points(pair.high)}`)},
      ],
    }),
  ];
}

function published() {
  if (!some(doc.published)) return null;
  const ours = (model) => ({
    label: titleOf(model), ...model.accuracy, series: 0, strong: model === best, text: percent(score(model)),
    tip: `this study, ${titleOf(model)}: ${percent(score(model))} (${range(model.accuracy)})`,
  });
  const theirs = (other) => ({
    label: `${other.method} (${other.source})`, value: other.accuracy, series: other.this_protocol ? 1 : "muted",
    text: percent(other.accuracy),
    tip: `${other.method}, ${other.protocol}, ${other.source}: ${percent(other.accuracy)}`,
  });
  const rows = () => [...shown().map(ours), ...doc.published.map(theirs)].sort(by((row) => row.value));
  const keys = [{name: "this study", series: 0}, {name: "published, same protocol", series: 1},
    {name: "published, another protocol", series: "muted"}];
  return [
    rowsFigure("Published figures beside those of this study", "Bars are 95 % intervals over clips.", rows,
      {chart: {keys}}),
    table({
      caption: "Published figures. Those of another protocol are not comparable.", rows: doc.published, sort: [1, -1],
      columns: [
        textColumn("Method", (row) => row.method), numberColumn("Accuracy", (row) => row.accuracy, percent),
        textColumn("Dataset", (row) => row.dataset), textColumn("Protocol", (row) => row.protocol),
        textColumn("As here", (row) => (row.this_protocol ? "yes" : "no")), textColumn("Source", (row) => row.source),
      ],
    }),
  ];
}

function otherSplits() {
  const {protocols, nested, repeats} = doc;
  if (!protocols && !nested && !repeats) return null;
  const schemeRow = (key) => (scheme, i) => {
    const found = scheme.models.find((model) => model.name === key)?.accuracy;
    const full = `${titleByName(key)}, ${scheme.scheme}`;
    return found && {label: i ? "" : titleByName(key), name: full, ...found, series: i, text: percent(found.value),
      tip: `${full}: ${percent(found.value)} (${range(found)})`};
  };
  const schemeRows = () => visible(protocols.schemes[0].models)
    .flatMap((model) => protocols.schemes.map(schemeRow(model.name))).filter(Boolean);
  const nestedRows = () => visible(nested.models).map(({name: key, accuracy, folds}) => ({
    label: titleByName(key), ...accuracy, dots: folds, text: `${percent(accuracy.value)} (${range(accuracy)})`}));
  const repeatRows = () => visible(repeats.models).map(({name: key, mean, sd, values}) => ({
    label: titleByName(key), value: mean, low: mean - sd, high: mean + sd, dots: values,
    text: `${percent(mean)} ± ${points(sd)}`}));
  return [
    protocols && [h("h3", {}, "What leakage would have claimed"), small(protocols.note),
      rowsFigure("Accuracy of the same models under each split", "Bars are 95 % intervals.", schemeRows,
        {chart: {size: 20, keys: protocols.schemes.map((scheme, i) => ({name: scheme.scheme, series: i}))}})],
    nested && [h("h3", {}, "Nested cross-validation"),
      rowsFigure(`Accuracy over ${plural(nested.outer_folds, "outer fold")}`,
        "Small dots are the folds; parameters are chosen inside each fold.", nestedRows)],
    repeats && [h("h3", {}, "Repeated with other seeds"),
      rowsFigure(`Accuracy over ${plural(repeats.seeds.length, "seed")}`,
        "Small dots are the seeds, the bar is one standard deviation to each side.", repeatRows),
      small(`Seeds: ${repeats.seeds.join(", ")}.`)],
  ];
}

function genres() {
  if (!best) return null;
  const f1 = (model, genre) => model.genres[genre].f1;
  const order = labels.map((_, i) => i).sort(by((i) => f1(best, i)));
  return [
    figure({
      title: "F1 of each genre, in percent", note: "A stronger colour is a higher F1; genres by the best model’s.",
      draw: (width) => {
        const models = shown(), at = (r, c) => f1(models[c], order[r]);
        return matrix(width, {
          rows: order.map((i) => labels[i]), columns: models.map((model) => model.name), value: at, widest: 90,
          text: (r, c) => points(at(r, c), 0),
          tip: (r, c) => `${labels[order[r]]}, ${titleOf(models[c])}: F1 ${percent(at(r, c))}`,
        });
      },
      numbers: () => [["Genre", ...shown().map(titleOf)],
        order.map((i) => [labels[i], ...shown().map((model) => f1(model, i))])],
    }),
    detail(() => true, (model) => table({
      caption: `Scores by genre of ${titleOf(model)}.`, rows: model.genres, limit: 30,
      columns: [
        textColumn("Genre", (row) => row.genre), numberColumn("Recall", (row) => row.recall, points),
        numberColumn("Precision", (row) => (row.predicted ? row.precision : null), points),
        numberColumn("F1", (row) => row.f1, points),
        numberColumn("Test clips", (row) => row.examples), numberColumn("Predicted", (row) => row.predicted),
      ],
    })),
  ];
}

function mistakesOf(counts) {
  const cells = counts.flatMap((row, truth) => {
    const of = sum(row);
    return row.map((n, predicted) => ({truth, predicted, n, of}));
  });
  return cells.filter(({truth, predicted, n}) => truth !== predicted && n > 0).sort(by(({n}) => n));
}

function confusionFigure(title, note, names, counts, options) {
  const totals = counts.map(sum), share = (r, c) => (totals[r] ? counts[r][c] / totals[r] : 0);
  return figure({
    title, note, description: `${sum(counts.map((row, i) => row[i]))} of ${sum(totals)} test clips are on the diagonal`,
    draw: (width) => matrix(width, {
      rows: names, columns: names, value: share, text: (r, c) => (counts[r][c] ? String(counts[r][c]) : ""),
      tip: (r, c) => `${names[r]} predicted as ${names[c]}: ${counts[r][c]} of ${totals[r]} (${percent(share(r, c))})`,
      ...options,
    }),
    numbers: () => [["True genre", "Predicted genre", "Clips", "Of"],
      mistakesOf(counts).map(({truth, predicted, n, of}) => [names[truth], names[predicted], n, of])],
  });
}

/** Mistakes within and outside the parent genre, for the models that have them. */
function treeFigure() {
  const models = () => shown().filter((model) => model.tree_confusion);
  const parts = (model) => [model.tree_confusion.same_parent, model.tree_confusion.other_parent];
  const row = (model) => ({
    label: titleOf(model), text: `${percent(parts(model)[0] / Math.max(1, sum(parts(model))), 0)} within`,
    segments: parts(model).map((value, i) => ({value, series: i ? 1 : 5,
      tip: `${titleOf(model)}: ${value} mistakes ${i ? "outside" : "within"} the parent genre`})),
  });
  return fitted.some((model) => model.tree_confusion) && figure({
    title: "Mistakes along the genre tree", note: "Mistakes within the same parent genre are the milder ones.",
    draw: (width) => rowChart(width, {
      rows: models().map(row), keys: [{name: "same parent", series: 5}, {name: "other parent", series: 1}],
      axis: {domain: [0, Math.max(1, ...models().map((model) => sum(parts(model))))], label: "mistakes"},
    }),
    numbers: () => [["Model", "Same parent", "Other"], models().map((model) => [titleOf(model), ...parts(model)])],
  });
}

function confusion() {
  if (!best) return null;
  const tree = doc.genre_tree, parent = (i) => tree?.[labels[i]] ?? labels[i], order = labels.map((_, i) => i);
  if (tree) order.sort((a, b) => parent(a).localeCompare(parent(b)) || a - b);
  const names = order.map((i) => labels[i]), parents = [...new Set(order.map(parent))];
  const sorted = (model) => order.map((r) => order.map((c) => model.confusion[r][c]));
  const grouped = (model) => {
    const counts = parents.map(() => parents.map(() => 0)), at = order.map((_, i) => parents.indexOf(parent(i)));
    model.confusion.forEach((row, r) => row.forEach((n, c) => (counts[at[r]][at[c]] += n)));
    return counts;
  };
  const plain = {size: 10, text: null}, titles = {rowTitle: "true genre", columnTitle: "predicted genre"};
  const treeNote = tree ? " Genres of one parent are beside each other." : "";
  return [
    detail(() => true, (model) => h("div", {class: "columns main"},
      confusionFigure(`Confusion matrix of ${titleOf(model)}`,
        `Numbers are test clips; a stronger colour is a larger share of its row.${treeNote}`, names, sorted(model),
        titles),
      h("div", {},
        h("h3", {}, "Most frequent mistakes"),
        h("ol", {class: "mistakes"}, mistakesOf(model.confusion).slice(0, 8).map(({truth, predicted, n, of}) =>
          h("li", {}, h("b", {}, name(labels[truth])), " predicted as ", h("b", {}, name(labels[predicted])),
            h("span", {}, ` ${n} of ${of}`)))),
        parents.length > 1 && parents.length < labels.length && confusionFigure("Confusion of parent genres",
          "The same predictions, counted by the parents in the genre tree.", parents, grouped(model))))),
    treeFigure(),
    fitted.length > 1 && [h("h3", {}, "All models"), live(() => grid("small-charts", shown().sort(by(score))
      .map((each) => confusionFigure(titleOf(each), percent(score(each)), names, sorted(each), plain))))],
  ];
}

/** Builds the page of results.json. */
export function studyPage(results) {
  openStudy(results);
  const sets = featureSets().map((set) => `${plural(set.columns, "number")} (${set.name})`).join(" or ");
  showPage("Music-genre study", doc.name, [
    `${plural(doc.models.length, "model")} on ${plural(doc.dataset.examples, "clip")} of `,
    `${plural(labels.length, "genre")} from `, h("b", {}, name(doc.dataset.name)),
    `, described by ${sets} and evaluated on ${plural(doc.split.test, "held-out test clip")}.`,
  ], [
    ["result", "Result", headline], ["models", "Models", modelsTable], ["pairs", "Differences between models", pairs],
    ["published", "Published figures", published], ["splits", "Other splits and repetitions", otherSplits],
    ["genres", "Genres", genres], ["confusion", "Confusion", confusion], ["curves", "ROC and precision-recall", curves],
    ["calibration", "Calibration", calibration], ["mistakes", "Hardest clips", mistakes],
    ["artists", "Artists", artists], ["training", "Training curves", training],
    ["why", "Training size and features", why], ["ablation", "Accuracy by features", ablation],
    ["choices", "Parameters tried", choices], ["components", "Principal components", components],
    ["cost", "Cost", cost], ["exploration", "Exploration", exploration], ["data", "Data", data],
    ["made", "How it was made", made],
  ]);
}
