// Sections of a study about its models in detail, its data and how it was made.
import {clipChart, extent, figure, matrix, plot, rowChart} from "./charts.js";
import {bytes, count, duration, fixed, h, numberColumn, percent, points, range, table, textColumn,
  tick} from "./elements.js";
import {by, code, grid, name, plural, provenance, settingText, small, some, sum, valueFigure, varianceFigure,
  variedParameters} from "./page.js";
import {best, detail, doc, fitted, labels, live, playable, player, rowsFigure, score, shown, titleOf} from "./study.js";

const unit = (label) => ({domain: [0, 1], label});
const share = (label) => ({domain: [0, 1], label, format: tick});
const accuracyAxis = (values, label) => ({domain: extent(values), label, format: tick});

export function curves() {
  const drawing = (model, key, x, y, summary, diagonal) => (width) => {
    const drawn = model.curves.filter((curve) => curve.auc !== null), many = drawn.length > 16;
    return plot(width, {
      height: 300, diagonal, x: unit(x), y: unit(y), keys: many ? [] : undefined,
      series: drawn.map((curve) => ({
        points: curve[key] ?? [], line: true, series: many ? "muted" : labels.indexOf(curve.genre), name: curve.genre,
        tip: `${curve.genre}: ${summary(curve)}`,
      })),
    });
  };
  return detail((model) => some(model.curves), (model) => {
    const numbers = () => [["Genre", "AUC", "Average precision"],
      model.curves.map((curve) => [curve.genre, curve.auc, curve.average_precision])];
    return [
      grid("half",
        figure({
          title: `ROC per genre, ${titleOf(model)}`, numbers,
          note: `One genre against all others; macro-average AUC ${fixed(model.macro_auc, 3)}.`,
          draw: drawing(model, "roc", "false positive rate", "true positive rate",
            (curve) => `AUC ${fixed(curve.auc, 3)}`, true),
        }),
        figure({
          title: `Precision and recall per genre, ${titleOf(model)}`, numbers,
          note: "At every threshold of the probability.",
          draw: drawing(model, "precision_recall", "recall", "precision",
            (curve) => `average precision ${fixed(curve.average_precision, 3)}`),
        })),
      labels.length > 16 && small("Curves of more than 16 genres share one colour; point at a curve for its genre."),
    ];
  });
}

function reliabilityFigure(model) {
  const {bins, ece} = model.calibration, most = Math.max(...bins.map((bin) => bin.count));
  return figure({
    title: `Reliability of the probabilities, ${titleOf(model)}`,
    note: "Points below the diagonal: too confident; larger points are more clips. " +
      `Expected calibration error ${percent(ece)}.`,
    draw: (width) => plot(width, {
      height: 330, diagonal: true, x: share("mean top probability"), y: share("share correct"),
      series: [{
        points: bins.map((bin) => [bin.confidence, bin.accuracy]), line: true, dots: true,
        radius: (k) => 2.5 + 7 * Math.sqrt(bins[k].count / most),
        tips: (k) => `${range(bins[k])}: ${plural(bins[k].count, "clip")}, mean probability ${
          percent(bins[k].confidence)}, ${percent(bins[k].accuracy)} correct`,
      }],
    }),
    numbers: () => [["From", "To", "Clips", "Mean probability", "Share correct"],
      bins.map((bin) => [bin.low, bin.high, bin.count, bin.confidence, bin.accuracy])],
  });
}

function calibrationErrors(selected) {
  const models = () => shown().filter((model) => Number.isFinite(model.calibration?.ece))
    .sort((a, b) => a.calibration.ece - b.calibration.ece);
  const row = (model) => ({label: titleOf(model), bar: model.calibration.ece, strong: model === selected,
    series: model === selected ? 0 : "muted", text: percent(model.calibration.ece)});
  const axis = () => ({domain: [0, Math.max(0.01, ...models().map((model) => model.calibration.ece))], format: tick});
  return rowsFigure("Expected calibration error", "Mean distance of the points from the diagonal, weighted by clips.",
    () => models().map(row), {axis});
}

export function calibration() {
  const covered = () => shown().filter((model) => some(model.coverage)), has = (model) => some(model.calibration?.bins);
  if (!fitted.some(has) && covered().length === 0) return null;
  const series = (model) => ({name: titleOf(model), series: fitted.indexOf(model), key: model.name, line: true,
    points: model.coverage.map((each) => [each.coverage, each.accuracy])});
  return [
    detail(has, (model) => grid("half", reliabilityFigure(model), calibrationErrors(model))),
    covered().length > 0 && figure({
      title: "Accuracy when only confident predictions count",
      note: "From left to right, clips of lower top probability are added.",
      draw: (width) => plot(width, {
        height: 270, series: covered().map(series), x: share("share of the test clips with a prediction"),
        y: accuracyAxis(covered().flatMap((model) => model.coverage.map((each) => each.accuracy)), "accuracy"),
      }),
      numbers: () => [["Model", "Threshold", "Coverage", "Accuracy"], covered().flatMap((model) =>
        model.coverage.map((each) => [titleOf(model), each.threshold, each.coverage, each.accuracy]))],
    }),
  ];
}

export function mistakes() {
  const always = doc.always_wrong, has = (model) => some(model.confident_mistakes);
  if (!some(always?.clips) && !fitted.some(has)) return null;
  const clipColumns = [
    {name: "Clip", value: (row) => row.id,
      cell: (row) => [name(row.id), h("span", {class: "detail"}, name(row.file ?? ""))]},
    textColumn("Artist", (row) => row.artist), textColumn("True genre", (row) => row.genre)];
  const audio = (list) => (list.some((row) => playable(row.file))
    ? [{name: "Audio", style: "sound", cell: (row) => player(row.file, row.id)}] : []);
  const votes = (row) => {
    const counts = new Map();
    for (const genre of Object.values(row.predicted ?? {})) counts.set(genre, (counts.get(genre) ?? 0) + 1);
    return [...counts].sort(by(([, n]) => n)).map(([genre, n]) => `${genre} (${n})`).join(", ");
  };
  const partOf = () => (always.clips.length < always.count ? `; ${always.clips.length} of them` : "");
  return [
    fitted.some(has) && [h("h3", {}, "Confident mistakes"), detail(has, (model) => table({
      caption: `Wrong predictions of ${titleOf(model)} with the highest probability.`,
      rows: model.confident_mistakes, limit: 10,
      columns: [...clipColumns, textColumn("Predicted", (row) => row.predicted),
        numberColumn("Probability", (row) => row.probability, percent), ...audio(model.confident_mistakes)],
    }))],
    some(always?.clips) && [h("h3", {}, "Wrong for every model"), table({
      caption: `${plural(always.count, "test clip")} predicted wrongly by every model${partOf()}. In brackets: models ` +
        "with that prediction.",
      rows: always.clips, limit: 10, columns: [...clipColumns, textColumn("Predicted", votes), ...audio(always.clips)],
    })],
  ];
}

export function artists() {
  const part = (row) => row.hits / row.examples;
  return detail((model) => some(model.artists?.worst), (model) => table({
    caption: `Artists with the smallest share of correct predictions of ${titleOf(model)}, of ${
      plural(model.artists.count, "artist")} in the test part; with two clips or more.`,
    rows: model.artists.worst, limit: 10, short: true,
    columns: [textColumn("Artist", (row) => row.artist), textColumn("Genre", (row) => row.genre),
      numberColumn("Clips", (row) => row.examples), numberColumn("Correct", (row) => row.hits),
      numberColumn("Share", part, (value) => percent(value, 0))],
  }));
}

function trainingFigure(model, key, title, text, format) {
  const {epochs, chosen_epoch: chosen} = model.training, first = epochs[0].epoch, last = epochs.at(-1).epoch;
  const series = [["training", key], ["validation", `validation_${key}`]].map(([part, member]) => {
    const list = epochs.filter((epoch) => Number.isFinite(epoch[member])).map((epoch) => [epoch.epoch, epoch[member]]);
    return {name: part, points: list, line: true, dots: true, radius: 2.2,
      tips: (k) => `${part}, epoch ${list[k][0]}: ${text(list[k][1])}`};
  }).filter((each) => each.points.length > 0);
  const values = series.flatMap((each) => each.points.map(([, value]) => value));
  return figure({
    title: `${title}, ${titleOf(model)}`,
    draw: (width) => plot(width, {
      height: 220, series, x: {domain: [first, Math.max(last, first + 1)], label: "epoch"},
      y: {domain: extent(values, {include: key === "loss" ? [0] : []}), label: title.toLowerCase(), format},
      rules: chosen ? [{x: chosen, text: `chosen, ${chosen}`}] : [],
    }),
    numbers: () => [["Epoch", "Training", "Validation"],
      epochs.map((epoch) => [epoch.epoch, epoch[key], epoch[`validation_${key}`] ?? null])],
  });
}

export function training() {
  const networks = fitted.filter((model) => some(model.training?.epochs));
  const distance = (epoch) => {
    const gap = (epoch?.accuracy ?? NaN) - epoch?.validation_accuracy;
    return Number.isFinite(gap) ? `${points(Math.abs(gap))} points ${gap < 0 ? "below" : "above"}` : null;
  };
  const remark = ({training: {epochs, chosen_epoch: chosen, folder}}) => {
    const last = distance(epochs.at(-1)), there = distance(epochs.find((epoch) => epoch.epoch === chosen));
    return small(last && `At the last epoch the training accuracy is ${last} the validation accuracy${
      there ? `, at the chosen epoch ${there} it` : ""}; a growing distance is over-fitting. `,
    folder && ["Events for TensorBoard: ", code(folder), "."]);
  };
  return networks.length > 0 && live(() => shown().filter((model) => networks.includes(model)).map((model) => [
    grid("half", trainingFigure(model, "loss", "Loss", (loss) => fixed(loss, 3)),
      trainingFigure(model, "accuracy", "Accuracy", (value) => percent(value), tick)),
    remark(model)]));
}

function learningCurve(model) {
  const all = model.learning_curve;
  return figure({
    title: `Learning curve of ${titleOf(model)}`,
    note: "Validation accuracy after fitting on nested subsets of training; if it still rises at the right end, more " +
      "data would help.",
    draw: (width) => plot(width, {
      height: 300, x: {domain: [0, all.at(-1).examples * 1.03], label: "training clips", format: count},
      y: accuracyAxis(all.flatMap((each) => [each.low, each.high]), "validation accuracy"),
      series: [{
        points: all.map((each) => [each.examples, each.accuracy]), line: true, dots: true,
        area: all.map((each) => [each.examples, each.low, each.high]),
        tips: (k) => `${plural(all[k].examples, "clip")}: ${percent(all[k].accuracy)} (${range(all[k])})`,
      }],
    }),
    numbers: () => [["Training clips", "Accuracy", "Low", "High"],
      all.map((each) => [each.examples, each.accuracy, each.low, each.high])],
  });
}

function importanceFigure(model) {
  const groups = [...model.importance].sort(by((group) => group.drop));
  const row = ({group, columns, drop, low, high}) => ({label: group, value: drop, low, high, text: points(drop),
    tip: `${group}, ${plural(columns, "column")}: ${points(drop)} points (${points(low)} – ${points(high)})`});
  const axis = () => ({domain: extent(groups.flatMap((group) => [group.low, group.high]), {include: [0]}),
    label: "points of accuracy lost", format: (drop) => String(Number((100 * drop).toFixed(2)))});
  return rowsFigure(`Importance of feature groups, ${titleOf(model)}`,
    "Points of test accuracy lost when the columns of a group are permuted together; bars are intervals.",
    () => groups.map(row), {axis, chart: {reference: 0}});
}

export function why() {
  const curve = fitted.find((model) => some(model.learning_curve));
  const weighed = fitted.find((model) => some(model.importance));
  return (curve || weighed) && grid("half", curve && learningCurve(curve), weighed && importanceFigure(weighed));
}

export function choices() {
  const models = fitted.filter((model) => (model.validation?.tried?.length ?? 0) > 1);
  if (models.length === 0) return null;
  const n = models[0].validation.accuracy.n;
  const all = models.flatMap((model) => model.validation.tried.map((point) => ({...point, model})));
  const chartsOf = (model) => variedParameters(model.validation.tried).map((axis) =>
    valueFigure(`${titleOf(model)}: ${axis.parameter}`, model.validation.tried, axis, {chosen: model.parameters}));
  return [
    small(`Accuracy on ${plural(n, "validation clip")}; the filled point was chosen. With several parameters each `,
      `value has the best score among its settings. One standard error is about ${fixed(50 / Math.sqrt(n), 1)} points, so `,
      "differences between neighbours are rarely significant."),
    live(() => grid("third", shown().filter((model) => models.includes(model)).flatMap(chartsOf).filter(Boolean))),
    table({
      caption: "All settings that were tried.", rows: all, limit: 15, short: true, sort: [2, -1],
      columns: [
        textColumn("Model", (point) => titleOf(point.model)),
        textColumn("Parameters", (point) => settingText(point.parameters)),
        {name: "Validation accuracy", number: true, value: (point) => point.accuracy,
          cell: (point) => (point.error ? h("span", {class: "failed"}, point.error) : percent(point.accuracy))},
        numberColumn("Log loss", (point) => point.log_loss, (loss) => fixed(loss, 3)),
      ],
    }),
  ];
}

export function components() {
  const different = new Map(fitted.filter((model) => some(model.explained_variance))
    .map((model) => [JSON.stringify(model.explained_variance), model]));
  return different.size > 0 && [
    small("Cumulative share of the variance of training and validation that the first principal components explain."),
    grid("third", [...different.values()].map(({explained_variance: shares, features}) =>
      varianceFigure(`${plural(shares.length, "component")} of ${features}`, shares))),
  ];
}

export function ablation() {
  if (!some(doc.ablation)) return null;
  const rows = doc.ablation, models = rows[0].models, at = (r, c) => rows[r].models[c];
  const high = rows.map((row) => Math.max(...row.models.filter((model) => !model.error).map(score)));
  const rowName = ({features, fma_name: published, columns}) =>
    `${features}${published && published !== features ? ` (${published})` : ""}, ${count(columns)}`;
  const seconds = (model) => model.fit_s + model.predict_s;
  const text = (model) => model.error ??
    `${percent(score(model))} (${range(model.accuracy)}), ${duration(seconds(model))}`;
  return figure({
    title: "Test accuracy with these features alone, in percent",
    note: "After each name its number of columns. Parameters are chosen and models fitted as above for each cell; " +
      "the best of a row is framed.",
    draw: (width) => matrix(width, {
      rows: rows.map(rowName), columns: models.map((model) => model.name), widest: 90,
      value: (r, c) => (at(r, c).error ? null : score(at(r, c))),
      text: (r, c) => (at(r, c).error ? "–" : points(score(at(r, c)))),
      mark: (r, c) => !at(r, c).error && score(at(r, c)) === high[r],
      tip: (r, c) => `${rowName(rows[r])} columns, ${models[c].name}: ${text(at(r, c))}`,
    }),
    numbers: () => [["Features", "Columns", "Model", "Accuracy", "Low", "High", "Fit and predict, s"],
      rows.flatMap((row) => row.models.filter((model) => !model.error).map((model) => [row.features, row.columns,
        model.name, score(model), model.accuracy.low, model.accuracy.high, seconds(model)]))],
  });
}

function stagesFigure(stages) {
  const memory = (stage) => (stage.peak_memory_bytes ? `, at most ${bytes(stage.peak_memory_bytes)}` : "");
  const rows = () => stages.map((stage) => ({label: stage.stage, bar: stage.seconds, text: duration(stage.seconds),
    tip: `${stage.stage}: ${duration(stage.seconds)}${memory(stage)}`}));
  const total = sum(stages.map((stage) => stage.seconds));
  return rowsFigure("Time per stage", `${duration(total)} in total.`, rows,
    {axis: () => ({domain: [0, Math.max(...stages.map((stage) => stage.seconds), 1e-3)], label: "seconds"})});
}

export function cost() {
  if (fitted.length === 0) return null;
  const seconds = (model) => (model.choose_s ?? 0) + (model.fit_s ?? 0);
  const timed = () => shown().filter((model) => seconds(model) > 0);
  const series = (model) => ({
    name: titleOf(model), series: fitted.indexOf(model), key: model.name, dots: true, radius: 5.5,
    points: [[seconds(model), score(model)]], bars: [[seconds(model), model.accuracy.low, model.accuracy.high]],
    tips: () => `${titleOf(model)}: ${percent(score(model))} after ${duration(seconds(model))}`,
  });
  const memory = fitted.some((model) => model.cost) && [
    numberColumn("Peak memory", (model) => model.cost?.peak_memory_bytes, bytes),
    numberColumn("Model size", (model) => model.cost?.model_bytes, bytes)];
  return [
    timed().length > 1 && figure({
      title: "Accuracy against training time",
      note: "Time for choosing the parameters and the final fit, without features; logarithmic axis.",
      draw: (width) => plot(width, {
        height: 280, series: timed().map(series),
        x: {domain: extent(timed().map(seconds), {log: true}), log: true, format: duration, label: "choose and fit"},
        y: accuracyAxis(timed().flatMap((model) => [model.accuracy.low, model.accuracy.high]), "test accuracy"),
      }),
      numbers: () => [["Model", "Seconds", "Accuracy"],
        timed().map((model) => [titleOf(model), seconds(model), score(model)])],
    }),
    table({
      caption: "Cost of each model: choosing parameters, the final fit, predicting the test part.", rows: fitted,
      sort: [2, -1],
      columns: [textColumn("Model", titleOf), numberColumn("Choose", (model) => model.choose_s, duration),
        numberColumn("Fit", (model) => model.fit_s, duration),
        numberColumn("Predict", (model) => model.predict_s, duration), ...(memory || [])],
    }),
    some(doc.stages) && stagesFigure(doc.stages),
  ];
}

function projectionFigure({features, method, axes, points: all}) {
  const present = labels.map((_, i) => i).filter((i) => all.some((each) => each[2] === i)), many = present.length > 16;
  return figure({
    title: `${method} of ${features}`,
    note: `${plural(all.length, "clip")}${many ? "; colours repeat, point at a dot for its genre" : ""}`,
    draw: (width) => plot(width, {
      height: Math.min(400, Math.max(280, width * 0.75)), keys: many ? [] : undefined,
      x: {domain: extent(all.map(([x]) => x)), label: axes[0], ticks: []},
      y: {domain: extent(all.map(([, y]) => y)), label: axes[1], ticks: []},
      series: present.map((i) => ({name: labels[i], series: i, points: all.filter((each) => each[2] === i), dots: true,
        radius: 3})),
    }),
    numbers: () => [[axes[0], axes[1], "Genre"], all.map(([x, y, genre]) => [x, y, labels[genre]])],
  });
}

function distributionFigure({feature, f, genres: all}) {
  // Of many genres those with the lowest and the highest medians.
  const few = [...all].sort(by((row) => row.quantiles[2])).filter((_, i) => i < 12 || i >= all.length - 12);
  const list = all.length <= 30 ? all : few, short = (value) => String(Number(value.toPrecision(4)));
  const row = ({genre, quantiles}) => {
    const [, lower, median, upper] = quantiles.map(short);
    return {label: genre, box: quantiles, series: labels.indexOf(genre),
      tip: `${genre}: median ${median}, quartiles ${lower} and ${upper}`};
  };
  return figure({
    title: feature, note: `F = ${fixed(f, 1)}${list === few ? "; 12 highest and 12 lowest medians" : ""}`,
    draw: (width) => rowChart(width, {size: 20, rows: list.map(row),
      axis: {domain: extent(list.flatMap((each) => each.quantiles))}}),
    numbers: () => [["Genre", "Least", "Lower quartile", "Median", "Upper quartile", "Most"],
      all.map((each) => [each.genre, ...each.quantiles])],
  });
}

export function exploration() {
  const {clips, distributions, projections} = doc.exploration ?? {};
  if (!some(clips) && !some(distributions) && !some(projections)) return null;
  const clipFigure = (clip) => h("div", {}, figure({
    title: clip.genre, note: name(clip.file || clip.id), draw: (width) => clipChart(width, clip),
    description: `Waveform, mel-spectrogram, chromagram, spectral centroid of ${clip.id}, ${duration(clip.duration_s)}`,
  }), player(clip.file, `a clip of ${clip.genre}`));
  return [
    some(projections) && [h("h3", {}, "Clips in two dimensions"),
      small("Clips of one colour that lie together are easy to separate with these features."),
      grid("half", projections.map(projectionFigure))],
    some(distributions) && [h("h3", {}, "Features that separate the genres most"),
      small("Columns with the largest ANOVA F on the training part; boxes are quartiles, lines reach the extremes."),
      grid("half", distributions.map(distributionFigure))],
    some(clips) && [h("h3", {}, "One clip of each genre"), grid("half", clips.map(clipFigure))],
  ];
}

const parts = ["training", "validation", "test"], partSeries = [0, 5, 1];

function partsFigure(genres) {
  const row = (genre) => ({label: genre.genre, text: count(genre.examples), segments: parts.map((part, i) =>
    ({value: genre[part], series: partSeries[i], tip: `${genre.genre}: ${genre[part]} ${part}`}))});
  return figure({
    title: "Clips per genre and part",
    draw: (width) => rowChart(width, {
      size: genres.length > 40 ? 16 : 24, rows: genres.map(row),
      keys: parts.map((part, i) => ({name: part, series: partSeries[i]})),
      axis: {domain: [0, Math.max(1, ...genres.map((genre) => genre.examples))], label: "clips"},
    }),
  });
}

export function data() {
  const {dataset, split} = doc, clips = dataset.clip_s, unknown = dataset.genres.every((genre) => genre.artists === 0);
  const lengths = clips ? ` Clips last ${fixed(clips.least, 1)} to ${fixed(clips.most, 1)} s, median ${
    fixed(clips.median, 1)} s; ${duration(clips.total)} in total.` : "";
  const groups = (title, key) => numberColumn(title, (genre) => genre[key] || null);
  const partColumn = (part) => numberColumn(`${part[0].toUpperCase()}${part.slice(1)}`, (genre) => genre[part]);
  return [
    partsFigure(dataset.genres),
    table({
      caption: `Clips per genre and part, with numbers of artists, albums and files.${lengths}`,
      rows: dataset.genres, limit: 30,
      columns: [textColumn("Genre", (genre) => genre.genre), groups("Artists", "artists"), groups("Albums", "albums"),
        groups("Files", "tracks"), numberColumn("Clips", (genre) => genre.examples), ...parts.map(partColumn)],
      foot: ["All", "", "", "", count(dataset.examples), ...parts.map((part) => count(split[part]))],
    }),
    h("div", {class: "columns"},
      h("div", {}, h("h3", {}, "Split and leakage"),
        small("Split: ", h("b", {}, split.scheme), `, seed ${split.seed}.`,
          unknown && " No artist is known, so clips of one artist may be in several parts."),
        [...(split.notes ?? []), ...(dataset.notes ?? [])].map((note) => small(note)),
        table({
          caption: "Groups in more than one part.", rows: split.leakage, rowClass: (row) => row.groups > 0 && "alarm",
          columns: [textColumn("Shared", (row) => row.kind), numberColumn("In several parts", (row) => row.groups),
            numberColumn("Validation and test clips", (row) => row.examples)],
        })),
      h("div", {}, h("h3", {}, "Skipped tracks"), some(dataset.skipped) ? table({
        caption: "Tracks that were not used, by reason.", rows: dataset.skipped,
        columns: [textColumn("Reason", (row) => row.reason), numberColumn("Tracks", (row) => row.count)],
      }) : small("None: every track of the dataset was used."))),
  ];
}

export function made() {
  const {standardise, pca_components: pca} = doc.preprocessing, over = best?.accuracy_over_groups;
  return [
    provenance(doc, [
      doc.preset && ["Preset", doc.preset],
      ["Preprocessing", `${standardise === false ? "not standardised" : "standardised"}${
        pca > 0 ? `, ${pca} principal components` : ""}; fitted on the training clips of each model`],
      ["Training", "Parameters chosen by validation accuracy, then fitted on training and validation together"],
      ["Intervals", `Wilson’s 95 % score interval over clips${
        over ? `; over artists: cluster bootstrap of ${over.groups} groups` : ""}`],
    ]),
    small("All figures as JSON: ", code("results.json"), ". Predictions of each model for each test clip: ",
      code("predictions.csv"), ". The best model: ", code("best.gwm"), "."),
  ];
}
