// The page of a search: sections built from the document of tuning.json.
import {duration, fixed, h, numberColumn, percent, points, table} from "./elements.js";
import {code, facts, grid, name, notesBox, plural, productFigure, provenance, settingText, showPage, small, valueFigure,
  varianceFigure} from "./page.js";
import {studyPage} from "./report.js";

/** Builds the page of tuning.json. */
export function tuningPage(doc) {
  const tried = doc.points.map((point) => ({...point, parameters: point.varied}));
  const best = tried[doc.best], simple = tried[doc.one_standard_error];
  const varied = doc.axes.filter((axis) => axis.values.length > 1);
  const score = (point) => `${percent(point.accuracy)} ± ${points(point.standard_error)}`;

  const result = () => h("div", {class: "headline"},
    h("div", {class: "card"},
      h("p", {class: "number"}, percent(best.accuracy)),
      h("p", {}, `± ${points(best.standard_error)} (one standard error of the mean over the folds), by `,
        h("b", {}, settingText(best.parameters))),
      facts("figures", [["simplest within one standard error", settingText(simple.parameters)],
        ["its accuracy", score(simple)]])),
    notesBox(doc.notes));

  const axes = () => varied.length > 0 && [
    small("The best setting with each value: mean over the folds with one standard error to each side, and each fold ",
      "as a small dot. The filled point is the best setting. Settings above the dashed line are within one standard ",
      "error of it; the simplest of them has a ring."),
    grid("third", varied.map((axis) => valueFigure(axis.parameter, tried, axis, {
      chosen: best.parameters, simple: simple.parameters, enough: best.accuracy - best.standard_error,
    })).filter(Boolean)),
  ];

  const components = () => {
    const {features, shares} = doc.explained_variance ?? {};
    return shares && varianceFigure(`Explained variance${features === "all" ? "" : ` of ${features}`}`, shares);
  };

  const settings = () => {
    const mark = (point) => [point === best && "best", point === simple && "simplest within one standard error"]
      .filter(Boolean).join(", ");
    const number = (title, key, show) =>
      numberColumn(title, (point) => (point.error ? null : point[key]), (value) => (value === null ? "" : show(value)));
    return table({
      caption: "Means over the folds, best first.", rows: tried, limit: 30, short: true, sort: [1, -1],
      rowClass: (point) => (mark(point) ? "best" : null),
      columns: [
        {name: "Parameters", value: (point) => settingText(point.parameters), cell: (point) => [
          settingText(point.parameters), mark(point) && h("span", {class: "mark"}, mark(point)),
          point.error && h("span", {class: "failed detail"}, point.error)]},
        number("Accuracy", "accuracy", percent),
        number("± error", "standard_error", points),
        number("Log loss", "log_loss", (loss) => fixed(loss, 3)),
        number("Fit", "fit_s", duration),
        number("Predict", "predict_s", duration),
      ],
    });
  };

  const made = () => [
    provenance(doc, [
      ["Searched", doc.dataset.used],
      ["Folds", `${doc.folds}, stratified by genre, ${doc.scheme}; preprocessing fitted on each fold’s training clips`],
      doc.train_command && ["Train the best", code(doc.train_command)],
    ]),
    small("All figures as JSON and CSV: ", code("tuning.json"), " and ", code("tuning.csv"), "."),
  ];

  showPage("Parameter search", doc.name, [
    `${plural(doc.points.length, "setting")} of `, h("b", {}, doc.kind), `, each on ${doc.folds} folds of `,
    `${plural(doc.dataset.examples, "clip")} from `, h("b", {}, name(doc.dataset.name)),
    ` (${plural(doc.features.columns, "column")} of ${doc.features.name}).`,
  ], [
    ["result", "Result", result],
    ["axes", "Score against each parameter", axes],
    ["product", "Two parameters together", () => productFigure(tried, varied)],
    ["components", "Principal components", components],
    ["points", "All settings", settings],
    ["made", "How it was made", made],
  ]);
}

const embedded = document.getElementById("document");
if (embedded) {
  const doc = JSON.parse(embedded.textContent);
  (doc.format === "genrewise tuning" ? tuningPage : studyPage)(doc);
}
