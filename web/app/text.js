// All texts of the server's page, in one place for translation. Functions take what a text contains.
import {count} from "../elements.js";

const many = (n, one, more = `${one}s`) => `${count(n)} ${n === 1 ? one : more}`;
const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);
const stop = (words) => (/[.!?…]$/.test(words) ? words : `${words}.`);

const without = (skipped) => (skipped.length ? `, ${count(skipped.length)} skipped (${skipped[0].reason})` : "");

export const text = {
  nav: {
    label: "Views", music: "Drop music", library: "Library", runs: "Runs", data: "Data", skip: "Skip to the content",
    model: (name) => `model: ${name}`,
  },
  errors: {
    title: "This cannot be shown", gone: "The server does not answer. If it was stopped, start it again with " +
      "“genrewise serve”; this page goes on as soon as it is back.",
    message(status, what, where, remedy) {
      if (status === 0) return "The server does not answer.";
      const plain = {403: "The server refuses this", 404: "This does not exist (any more)",
          409: "This clashes with other work",
        413: "The file is too large for the server", 429: "The server is busy; try again in a moment",
        503: "The server is busy; try again in a moment"}[status] ?? `The server reports an error (${status})`;
      if (!what) return stop(plain);
      return stop(`${where ? `${where}: ` : ""}${where ? what : capital(what)}`) +
        (remedy ? ` ${capital(stop(remedy))}` : "");
    },
  },
  token: {
    title: "This server wants a token", lead: "It is the text after --token in the command that started the server.",
    wrong: "The server does not accept this token. Check it and try again.", label: "Token", use: "Use it",
  },
  player: {
    label: "Player", play: "Play", pause: "Pause", position: "Position", close: "Close the player",
    playOf: (title) => `Play or pause ${title}`, unplayable: "This browser cannot play the file.",
  },
  jobs: {
    label: "Running jobs", cancel: "Cancel", of: (done, all, share) => `${done} of ${all} (${share})`,
    left: (time) => `${time} left`,
    kind: (kind) => ({scan: "Scanning the library", "tags.apply": "Writing tags", "tags.undo": "Restoring tags",
    inspect: "Inspecting a dataset"}[kind] ?? capital(kind)),
  },
  music: {
    title: "What genre is it?",
    lead: "Drop audio files or a folder anywhere on this page. Each is analysed by its sound, whatever its tags say.",
    private: "Files go to the server of this page and nowhere else. It deletes them within half an hour.",
    noModel: "The server has no model. Fetch one with “genrewise fetch weights efficientat”, or start it with --model.",
    chooseFiles: "Choose files…", chooseFolder: "Choose a folder…", dropHere: "Drop to analyse", table: "Dropped files",
    file: "File", select: "Select a file to see its genres over time and what sounds like it.",
    notYet: "Not analysed yet.", waiting: "waiting", stopped: "stopped", overall: "All files",
    sending: (share) => `sending ${share}`, analysing: (share) => `analysing ${share}`,
    status: (done, failed, all) =>
      `${count(done)} of ${many(all, "file")} analysed${failed ? `, ${count(failed)} failed` : ""}`,
    finished: (done, failed) => (failed ? "Done; the table states why files failed." : "Done."),
    left: (n) => `${many(n, "file")} left out: not audio, by ${n === 1 ? "its name" : "their names"}.`,
    unknown: (genre) => `unknown (${genre}?)`, stop: "Stop", save: "Save as CSV", clear: "Clear",
  },
  detail: {
    label: "Details of the track", close: "Close the details", back: "‹ Back", yours: "your correction",
    unknown: "unknown",
    confidence: (share) => `${share} confidence`, notAnalysed: "This track is not analysed yet. A scan does it.",
    unknownNote: (genre, threshold) =>
      `Most likely ${genre}, but with less confidence than ${threshold ?? "the model’s threshold"
    }, so the genre counts as unknown.`,
    novel: (value) => `Unlike the music that the model was trained on (novelty ${value}; above 1 is unusual). ` +
      "Do not rely on its genres.",
    timeline: "Genres over time", windows: (n) => (n === 1 ? "One window was analysed."
      : `${count(n)} windows were analysed.`) +
      " Click to play from there.",
    timelineOf: (list) => `Most likely genre by time: ${list}`, others: "other genres", from: "From", to: "To",
    whole: "Analyse the whole track", wholeRuns: (share) => `Analysing the whole track… ${share}`, own: "Your genre",
    keys: "In the table: 1 to 6 sets the genre of that rank, 0 removes your correction, g goes to this field.",
    similar: "Sounds like this", noneSimilar: "No similar track has stored features.", length: "Length", year: "Year",
    tags: "Genre in its tags", predicted: "Predicted genre", path: "File",
  },
  library: {
    tracks: "Tracks", map: "Map", albums: "Albums", tags: "Tags", views: "Parts of the library", search: "Search",
    placeholder: "Search, or a query such as year:1990..1999", ofGenre: "Genre", allGenres: "All genres",
    title: "Title", artist: "Artist",
    album: "Album", genre: "Genre", confidence: "Confidence", novelty: "Novelty", length: "Length", added: "Added",
    tracksShort: "Tracks", outliers: "Tracks of other genres", noAlbum: "(no album)", showTracks: "Show tracks",
    showTracksOf: (album) => `Show the tracks of ${album || "no album"}`, playlist: "Playlist…",
    scan: "Scan for changes",
    found: (n) => (n ? many(n, "track") : "No track fits. Check the query, or choose all genres."),
    foundAlbums: (n) => (n ? many(n, "album") : "No album fits. Check the query, or choose all genres."),
    corrected: (n, genre) => (genre ? `${many(n, "track")} corrected to ${genre}`
      : `Correction of ${many(n, "track")} removed`),
    select: "Select a track to see its genres over time and what sounds like it. Enter or a double click plays it.",
    none: "There is no library yet", noneLead: "A scan reads your music and never changes it. In a terminal:",
    noneCommand: "genrewise library scan ~/Music\ngenrewise serve", noneThen: "Then reload this page.",
    help: "Query language",
    terms: [["words", "in artist, album, title or path"], ["genre:Rock,Pop", "one of these genres"],
      ["artist:muse", "the field contains it; also album, title, path, tag"],
        ['album:="Blue"', "the field is exactly this"],
      ["confidence:>0.8", "also novelty, year, duration:>5m, size:>10M"], ["year:1990..1999", "a range"],
      ["added:<30d", "added in the last 30 days"], ["unknown:yes", "also analysed, corrected, missing"],
      ["-genre:Rock", "everything else"]],
  },
  map: {
    label: "Map of the library", loading: "The map is being computed…", closer: "Zoom in", away: "Zoom out",
    all: "Show all",
    keys: "Near points sound alike. Drag to move, scroll or pinch to zoom, click to play. " +
      "Keys: arrows move, + and − zoom, 0 shows all, Enter plays the track in the middle.",
    middle: "Tracks in the middle of the map", nearest: (title, genre) => `In the middle: ${title}, ${genre}`,
    shown: (n) => `${many(n, "track")} with stored features`,
    none: "No track has stored features yet. “genrewise library scan” stores them.",
  },
  playlist: {
    title: "Playlist", of: "Tracks of the query ", all: "All tracks, the surest genres first.", limit: "Tracks at most",
    perArtist: "Per artist at most",
    perAlbum: "Per album at most", minutes: "Minutes at most", format: "Format", smooth: "Order for smooth transitions",
    preview: "Preview", download: "Download", close: "Close", found: (n, time) => `${n} tracks, ${time}`,
  },
  tags: {
    lead: "Shows what would be written into the files of the tracks above. Nothing is written " +
      "before you apply it, and all of it can be undone.",
    field: "Write the genre to", fields: [["genre", "genre"], ["grouping", "grouping"], ["mood", "mood"],
      ["comment", "comment"]],
    mode: "How", modes: [["fill", "only where empty"], ["append", "add to what is there"],
      ["replace", "replace what is there"]],
    confidence: "Least confidence, %", preview: "Preview changes", changes: "Changes of tags", state: "State",
    file: "File",
    fieldShort: "Field", before: "Before", after: "After",
    planned: (n, left) => (n ? `${many(n, "change")} would be made.` : "Nothing would change.") +
      (left ? ` Left alone: ${left}.` : ""),
    apply: (n) => `Write ${many(n, "change")}`,
    applied: (n, skipped) => `${many(n, "file")} changed${without(skipped)}.`,
    undone: (n, skipped) => `${many(n, "file")} restored${without(skipped)}.`,
    history: "Written so far", noHistory: "Nothing yet.", batch: (id, time, files) =>
      `Batch ${id}, ${time}: ${many(files, "file")}`,
    isUndone: "undone", undo: (id) => `Undo batch ${id}`,
  },
  runs: {
    lead: "Studies, searches and training runs of the server’s folder. Choose several to compare them.",
    none: "There are no runs yet",
    noneLead: "The server shows runs of the folder that it was started with:",
    noneCommand: "genrewise study data/fma -o runs/fma\ngenrewise serve --runs runs",
    unknown: (name) => `There is no run ${name}.`, all: "‹ All runs", run: "Run", kind: "Kind", modified: "Changed",
    result: "Result",
    kinds: {study: "study", tune: "search", train: "training", unknown: "–"}, model: "Model", accuracy: "Accuracy",
    titles: {loss: "Loss", accuracy: "Accuracy"}, epochs: "epoch",
    epochShort: (n) => `epoch ${n}`, training: "training", validation: "validation",
    epoch: (n, rate) => `Epoch ${n}${rate ? `, ${count(Math.round(rate))} clips/s` : ""}`, ended: "Finished.",
    unfinished: "not finished", examples: (n) => many(n, "clip"),
    waiting: "Waiting for the run to write its next epoch…", separate: "Open the report in a tab of its own",
    report: (name) => `Report of ${name}`,
    choose: (name) => `Compare ${name}`, compare: (n) =>
      (n < 2 ? "Compare (choose two or more)" : `Compare ${count(n)} runs`), comparison: "Comparison",
    best: "Best model of each run", bestNote: "Bars are 95 % intervals over clips; of a search, one standard error.",
    models: "Test accuracy of the same model in each run.",
    compareNote: "Comparable only on the same test clips; “genrewise compare” tests differences on common clips.",
  },
  data: {
    none: "No dataset is named", noneLead: "The server shows datasets that it was started with:",
    noneCommand: "genrewise serve --data ~/Music",
    dataset: "Dataset", inspect: "Inspect the dataset",
    notYet: "It was not inspected yet. Every clip is decoded once, which takes minutes for thousands of clips.",
    inspecting: "Every clip is being decoded…", inspected: (done, all) => `${done} of ${all} clips decoded`,
    clips: "Clips", files: "Files", artists: "Artists", albums: "Albums", total: "Music in all",
    unusable: "Unusable clips", lengths: "Length of clips",
    bitRate: "Bit rate", codecs: "Codecs", rates: "Sample rates", channels: "Channels", median: "median",
    genres: "Genres", clipsOf: "Clips of each genre",
    genreTable: "Clips, artists and albums of each genre, and the parts of its split.", training: "Training",
    validation: "Validation", test: "Test",
    findings: "Suspicious clips", noFindings: "None: every clip can be decoded, none is short, silent or clipped.",
    findingsNote: "What was found, unusable clips first. Listen before you remove anything.", clip: "Clip",
    kind: "Finding", detail: "Detail",
    usable: "Usable", yes: "yes", no: "no", duplicates: "Duplicates",
    noDuplicates: "None: no two clips have the same samples.",
    duplicatesNote: "Clips with identical samples.", severalGenres: "Several genres", severalParts: "Several parts",
    leakage: "Leakage",
    noSplit: "The dataset states no split, so nothing can leak between its parts.",
    noLeakage: "None: no artist or album is in more than one part of the split.",
    crossing: (groups, kind, examples) =>
      `${many(groups, kind)} in more than one part of the split, with ${many(examples, "validation or test clip")}:`,
  },
};
