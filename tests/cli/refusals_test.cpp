// A catalogue of refusals: each states what is wrong, where, and what to do about it, without the text of a raw
// exception.
#include <gmock/gmock.h>

#include <sstream>

#include "cli/made_music.hpp"
#include "cli/program.hpp"
#include "genrewise/storage/files.hpp"
#include "support/environment.hpp"
#include "support/table_csv.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

struct Refusal {
  const char* name;
  const char* arguments;              ///< words with blanks between them; files are those of the fixture
  const char *what, *where, *remedy;  ///< each is a part of the message
  int code = 1;
};

constexpr int kUsage = 2;

constexpr Refusal kRefusals[] = {
    // The command line
    {"NoCommand", "", "a command is missing", "", "genrewise --help", kUsage},
    {"UnknownCommand", "extrct x", "no command", "'extrct'", "did you mean extract?", kUsage},
    {"UnknownCommandUnlikeAny", "frobnicate", "no command", "'frobnicate'", "genrewise --help", kUsage},
    {"UnknownProgramOption", "--thread 2 study table.csv -o x", "no option", "--thread", "did you mean --threads?",
     kUsage},
    {"UnknownOption", "study table.csv -o x --foo", "no option", "--foo", "genrewise study --help", kUsage},
    {"MisspeltOption", "study table.csv -o x --modles gnb", "no option", "--modles", "did you mean --models?", kUsage},
    {"TooManyArguments", "study table.csv music -o x", "too many", "'music'", "genrewise study --help", kUsage},
    {"MissingArguments", "study", "are missing", "DATASET and -o RUN", "genrewise study --help", kUsage},
    {"MissingOutput", "split table.csv", "is missing", "-o FILE", "genrewise split --help", kUsage},
    {"MissingModelFile", "evaluate model.gwm", "is missing", "DATASET", "genrewise evaluate --help", kUsage},
    {"MissingFiles", "predict -m model.gwm", "is missing", "FILES", "genrewise predict --help", kUsage},
    {"MissingName", "fetch", "is missing", "NAME", "genrewise fetch --help", kUsage},
    {"MissingValue", "study table.csv -o x --threads", "needs a value", "--threads", "--threads N", kUsage},
    {"RepeatedOption", "study table.csv -o x --seed 1 --seed 2", "more than once", "--seed", "study --help", kUsage},
    {"NumberOutOfRange", "study table.csv -o x --threads 0", "a whole number from 1 to 4096, not '0'", "--threads",
     "study --help", kUsage},
    {"WordForANumber", "study table.csv -o x --threads two", "1 to 4096, not 'two'", "--threads", "study --help",
     kUsage},
    {"NegativeSeed", "study table.csv -o x --seed -1", "a whole number of at least 0, not '-1'", "--seed", "--help",
     kUsage},
    {"NegativeCount", "study table.csv -o x --min-groups -1", "at least 0, not '-1'", "--min-groups", "--help", kUsage},
    {"WordForComponents", "study table.csv -o x --pca many", "at least 0, not 'many'", "--pca", "--help", kUsage},
    {"OneFold", "tune table.csv --model knn --grid k=1,3 -o x --folds 1", "from 2 to 100, not '1'", "--folds",
     "tune --help", kUsage},
    {"WordForFolds", "tune table.csv --model knn --grid k=1,3 -o x --folds x", "from 2 to 100, not 'x'", "--folds",
     "tune --help", kUsage},
    {"NoShards", "pack music -o x --shards 0", "at least 1, not '0'", "--shards", "pack --help", kUsage},
    {"NoGenresToPrint", "predict -m model.gwm music --top 0", "at least 1, not '0'", "--top", "predict --help", kUsage},
    {"WordForWindows", "predict -m model.gwm music --windows none", "not 'none'", "--windows", "predict --help",
     kUsage},
    {"NegativeSeconds", "extract music -o t.csv --clip-seconds -1", "more than 0, not '-1'", "--clip-seconds", "--help",
     kUsage},
    {"WordForSeconds", "extract music -o t.csv --clip-start x", "0 or more, not 'x'", "--clip-start", "--help", kUsage},
    {"ShareAboveOne", "split table.csv -o s.csv --test 2", "a share from 0 to 1, not '2'", "--test", "--help", kUsage},
    {"UnknownScheme", "study table.csv -o x --scheme best", "grouped, random, shards or fault-filtered, not 'best'",
     "--scheme", "study --help", kUsage},
    {"UnknownSubset", "study table.csv -o x --subset tiny", "small, medium, large or full, not 'tiny'", "--subset",
     "study --help", kUsage},
    {"UnknownPreset", "tune table.csv --model knn --preset best -o x", "not 'best'", "--preset", "tune --help", kUsage},
    {"UnknownPart", "evaluate model.gwm table.csv --part tes", "test or all, not 'tes'", "--part", "--help", kUsage},
    {"UnknownTypeOfNumbers", "pack music -o x --store float8", "float16 or uint8, not 'float8'", "--store", "--help",
     kUsage},
    {"UnknownDownload", "fetch everything", "fma-full or weights, not 'everything'", "NAME", "fetch --help", kUsage},
    {"UnknownDevice", "study table.csv -o x --device gpu", "unknown device 'gpu'", "--device", "cuda:N"},
    {"MissingWeightsFolder", "study table.csv -o x --weights nowhere", "exists, not 'nowhere'", "--weights", "--help",
     kUsage},
    // Options that exclude or need each other
    {"TwoFormats", "study table.csv -o x --json --csv", "cannot be used together", "--json and --csv", "leave one",
     kUsage},
    {"TwoSplits", "study table.csv -o x --scheme random --split-file s.csv", "cannot be used together",
     "--scheme and --split-file", "leave one", kUsage},
    {"ModelAndZeroShot", "predict -m model.gwm --zero-shot music", "cannot be used together", "--model and --zero-shot",
     "leave one", kUsage},
    {"NeitherModelNorWeights", "predict music", "no weights", "weights", "genrewise fetch weights musicnn"},
    {"VerifyingWithShards", "pack pack --verify --shards 3", "cannot be used together", "--shards and --verify",
     "leave one", kUsage},
    {"RankWithoutRanks", "train table.csv --model gnb --rank 1 -o m.gwm", "needs", "--rank", "--ranks N", kUsage},
    {"RunOfAClassifier", "train table.csv --model gnb --run r -o m.gwm", "network", "--run", "leave the option out",
     kUsage},
    {"GenresBesideAModel", "predict -m model.gwm music --genres Jazz", "genres", "--genres", "leave the option out",
     kUsage},
    {"PackWithoutFolder", "pack music", "no folder for the shards", "--output", "-o FOLDER", kUsage},
    {"WorkFolderOfALocalPack", "pack music -o x --work w", "directly to a local folder", "--work",
     "leave the option out", kUsage},
    {"NetworkOfADataset", "fetch demo efficientat", "takes no name of a network", "efficientat", "fetch weights",
     kUsage},
    {"FeaturesOfATable", "study table.csv -o x --features music", "feature table", "--features", "leave the option out",
     kUsage},
    {"FileForFeaturesOfATable", "evaluate model.gwm table.csv --features-file f.csv", "no features are extracted",
     "--features-file", "leave the option out", kUsage},
    {"TwoFeatureSets", "train music --features raw10k --model audiotag/gnb -o m.gwm", "audiotag", "--features",
     "leave one", kUsage},
    {"UnusedTable", "study table.csv -o x --table a=table.csv", "no model", "--table", "--models", kUsage},
    // Models and parameters
    {"UnknownModel", "train table.csv --model oracle -o m.gwm", "no model", "oracle", "svm-rbf", kUsage},
    {"UnknownModelOfAStudy", "study table.csv -o x --models svn", "no model", "svn", "svm-rbf", kUsage},
    {"UnknownModelToDescribe", "models oracle", "no model", "oracle", "svm-rbf", kUsage},
    {"UnknownParameter", "train table.csv --model knn --param neighbours=7 -o m.gwm", "no parameter 'neighbours'",
     "neighbours=7", "n_neighbors"},
    {"WordForAParameter", "train table.csv --model knn --param n_neighbors=seven -o m.gwm", "'seven' is not allowed",
     "n_neighbors=seven", "a whole number of at least 1"},
    {"ParameterOutOfRange", "models svm:C=0", "'0' is not allowed", "svm:C=0", "above 0"},
    {"UnknownChoice", "train table.csv --model svm:kernel=linar -o m.gwm", "'linar' is not allowed", "kernel",
     "linear, poly, rbf, sigmoid"},
    {"ParameterWithoutValue", "study table.csv -o x --models svm:C", "not a parameter", "svm:C", "NAME=VALUE"},
    {"SeveralValuesForTraining", "train table.csv --model knn:n_neighbors=1,3 -o m.gwm", "several candidates",
     "n_neighbors", "parentheses"},
    {"UnclosedParenthesis", "study table.csv -o x --models svm:C=(", "not closed", "svm:C=(", "(100,50)"},
    {"ParameterTwice", "tune table.csv --model knn --grid k=1,3 --param k=5 -o x", "twice", "n_neighbors", "leave one"},
    {"NothingToSearch", "tune table.csv --model knn -o x", "nothing to search", "--grid", "--preset study", kUsage},
    {"EndlessRange", "tune table.csv --model knn --grid k=1:0:1 -o x", "range", "k=1:0:1", "START:STOP:STEP"},
    {"WordInARange", "tune table.csv --model knn --grid k=log:a:b:3 -o x", "\"a\" is not a number", "k=log:a:b:3",
     "log:FROM:TO:COUNT"},
    {"UnknownFeatureToSearch", "tune table.csv --model knn --grid features=nosuch,all -o x", "no feature", "nosuch",
     "loud, fast, bright"},
    {"NoPointFitted", "tune table.csv --model knn --grid k=500,600 -o x", "no point of the grid", "n_neighbors = 500",
     "fewer neighbours"},
    {"TooManyComponents", "train table.csv --model gnb --pca 50 -o m.gwm", "50 principal components", "3 columns",
     "request fewer"},
    {"FeatureGroupsForTraining", "train table.csv --model gnb --param features=loud -o m.gwm",
     "all columns of its table", "features", "tune", kUsage},
    {"UnknownFeatureSet", "extract music -o t.csv --features fma519", "no feature set \"fma519\"", "--features",
     "fma518", kUsage},
    {"UnknownFeatureSetOfAModel", "train music --model fma519/gnb -o m.gwm", "no feature set \"fma519\"", "fma519",
     "fma518", kUsage},
    {"UnknownFeatureSetToDescribe", "features fma519", "no feature set \"fma519\"", "fma519", "fma518", kUsage},
    {"MissingTableOfAModel", "study table.csv -o x --models third/gnb", "no audio", "third", "--table third=PATH"},
    // Datasets and tables
    {"MissingDataset", "study nowhere -o x", "no such file or folder", "nowhere", "give an FMA folder"},
    {"MissingDatasetToExtract", "extract nowhere -o t.csv", "no such file or folder", "nowhere", "FMA folder"},
    {"MissingDatasetToInspect", "inspect nowhere", "no such file or folder", "nowhere", "FMA folder"},
    {"FolderWithoutAudio", "study nothing -o x", "no audio files were found", "nothing", "sub-folders"},
    {"FolderWithoutAudioToInspect", "inspect nothing", "no audio files were found", "nothing", "sub-folders"},
    {"OnlyBadAudio", "extract noaudio -o t.csv", "none of its 1 clips", "noaudio/Jazz/x.wav", "genrewise inspect"},
    {"EmptyTable", "study empty.csv -o x", "empty", "empty.csv", "first row"},
    {"HeaderWithoutRows", "study header.csv -o x", "no rows", "header.csv", ""},
    {"TableWithoutNumbers", "study words.csv -o x", "no column of numbers", "words.csv", "columns of numbers"},
    {"RaggedTable", "study ragged.csv -o x", "2 cells", "ragged.csv:3", ""},
    {"UnclosedQuote", "study quote.csv -o x", "no closing quote", "quote.csv:2", "missing \""},
    {"RepeatedColumn", "study columns.csv -o x", "two columns", "columns.csv:1", "rename"},
    {"RepeatedTrack", "study twice.csv -o x", "line 2", "twice.csv:3", "unique id"},
    {"OneGenre", "study onegenre.csv -o x", "only one genre", "onegenre.csv", "at least two"},
    {"TracksWithoutGenre", "study nogenre.csv -o x", "'genre' is missing", "nogenre.csv:1", "name the columns"},
    {"TracksWithoutFiles", "study gone.csv -o x --models gnb", "no track can be used", "nowhere.wav",
     "check the paths"},
    {"TextForADataset", "inspect file", "missing", "file:1", "name the columns"},
    {"DamagedNumpyFile", "study other.npy -o x", "float32", "other.npy", "numpy.save"},
    {"NumpyFileWithoutFacts", "study bare.npy -o x", "genres of its tracks", "bare.npy", "--table"},
    {"TableToExtract", "extract table.csv -o t.csv", "feature table already", "table.csv", "audio files"},
    {"PackToExtract", "extract pack -o t.csv", "features already", "pack", "audio files"},
    {"TableToPack", "pack table.csv -o x", "no audio", "table.csv", "audio files"},
    {"TableOfOtherTracks", "train music --table table.csv --model gnb -o m.gwm", "no row", "music", "this dataset"},
    {"MapOfATable", "study table.csv -o x --map map.yaml", "only genres of tags", "--map", "leave the option out",
     kUsage},
    {"LabelsOfAPack", "train pack --model gnb -o m.gwm --labels tags", "only a folder of music", "--labels",
     "leave the option out", kUsage},
    {"TopLevelOfGenreFolders", "inspect music --top-genres", "only genres of tags", "--top-genres",
     "leave the option out", kUsage},
    {"UnknownLabels", "inspect music --labels names", "auto, folders or tags, not 'names'", "--labels", "--help",
     kUsage},
    {"TagsThatDoNotExist", "inspect music --labels tags", "no genre", "music", "--labels folders"},
    {"SubsetOfMusic", "inspect music --subset small", "FMA", "--subset", "leave the option out", kUsage},
    // Packs
    {"DamagedManifest", "study badmanifest -o x --models gnb", "manifest", "badmanifest/manifest.json", "pack"},
    {"ForeignManifest", "study oddmanifest -o x --models gnb", "manifest", "oddmanifest/manifest.json", "pack"},
    {"DamagedRecords", "study badpack -o x --models gnb", "too many records", "badpack", "pack the dataset again"},
    {"UnfinishedPack", "study unfinished -o x --models gnb", "unfinished pack", "unfinished", "genrewise pack"},
    {"MusicToVerify", "pack music --verify", "manifest.json", "music", "genrewise pack"},
    {"MissingPackToVerify", "pack nowhere --verify", "manifest.json", "nowhere", "genrewise pack"},
    {"MoreShardsThanExamples", "pack music -o x --shards 1000 --features raw10k", "more shards (1000)", "--shards",
     "smaller number"},
    {"PrefixWithASlash", "pack music -o x --prefix a/b --features raw10k --shards 2", "a/b", "--prefix", "slashes"},
    // Splits and genres
    {"MissingSplitFile", "train table.csv --model gnb --split-file nowhere.csv -o m.gwm", "cannot open", "nowhere.csv",
     "check the path"},
    {"UnknownPartInASplitFile", "train table.csv --model gnb --split-file badsplit.csv -o m.gwm", "'trainng'",
     "badsplit.csv:2", "training, validation or test"},
    {"TableForASplitFile", "train table.csv --model gnb --split-file nosplit.csv -o m.gwm", "track_id", "nosplit.csv:1",
     "genrewise split"},
    {"IncompleteSplitFile", "train table.csv --model gnb --split-file fewsplit.csv -o m.gwm", "no row for the track",
     "fewsplit.csv", "genrewise split"},
    {"NoOfficialSplit", "split table.csv -o s.csv --scheme official", "split", "track 0", "grouped or random"},
    {"ShardsOfATable", "split table.csv -o s.csv --scheme shards", "shards", "--scheme", "grouped or random"},
    {"SharesAboveOne", "split table.csv -o s.csv --test 0.7 --validation 0.7", "leave nothing for training", "0.7",
     "sum is below 1"},
    {"UnknownGenreToMerge", "train table.csv --model gnb --merge Jaz=Jazz -o m.gwm", "no genre 'Jaz'", "--merge",
     "GENRE=GENRE", kUsage},
    {"OneGenreToMerge", "train table.csv --model gnb --merge Jazz -o m.gwm", "two genres", "--merge", "GENRE=GENRE",
     kUsage},
    {"NoGenreLeft", "train table.csv --model gnb --min-groups 99 -o m.gwm", "99 groups", "--min-groups",
     "smaller number", kUsage},
    // Model files
    {"MissingModel", "predict -m nowhere.gwm music", "cannot open", "nowhere.gwm", "check the path"},
    {"MissingModelToEvaluate", "evaluate nowhere.gwm table.csv", "cannot open", "nowhere.gwm", "check the path"},
    {"CutModel", "predict -m cut.gwm music", "truncated", "cut.gwm", "again"},
    {"TextForAModel", "evaluate text.gwm table.csv", "safetensors", "text.gwm", "again"},
    {"TableForAModel", "evaluate table.csv table.csv", "safetensors", "table.csv", "again"},
    {"ModelOfAForeignTable", "predict -m model.gwm music", "table", "model.gwm", "genrewise features", kUsage},
    {"ModelOfOtherFeatures", "evaluate model.gwm pack", "the model was trained on", "pack", "extract"},
    {"PredictingNothing", "predict -m raw.gwm nothing", "no input could be used", "nothing", "give audio files"},
    {"PredictingAMissingFile", "predict -m raw.gwm nowhere.mp3", "no input could be used", "nowhere.mp3",
     "give audio files"},
    {"MissingWeights", "predict --zero-shot --weights nothing music", "no weights", "nothing",
     "genrewise fetch weights musicnn"},
    {"UnknownNetwork", "fetch weights nosuch", "no pretrained weights", "nosuch", "efficientat"},
    // Outputs
    {"ModelInAMissingFolder", "train table.csv --model gnb -o nowhere/m.gwm", "cannot create", "nowhere/m.gwm",
     "check the path"},
    {"ModelBelowAFile", "train table.csv --model gnb -o file/m.gwm", "cannot create", "file/m.gwm", ""},
    {"ModelOverAFolder", "train table.csv --model gnb -o nothing", "cannot write", "nothing", ""},
    {"TableOfAnotherKind", "extract music -o t.txt", ".csv or .npy", "t.txt", "choose"},
    {"TableInAMissingFolder", "extract music -o nowhere/t.csv", "cannot create", "nowhere/t.csv", "check the path"},
    {"SplitInAMissingFolder", "split table.csv -o nowhere/s.csv", "cannot create", "nowhere/s.csv", "check the path"},
    {"PackOverAFile", "pack music -o file --features raw10k --shards 2", "cannot create the folder", "file", ""},
    {"RunOverAFile", "study table.csv -o file", "folder", "file", "check the path"},
    {"RunBelowAFile", "study table.csv -o file/run", "cannot create the folder", "file/run", ""},
    {"RunOfAnotherSeed", "study table.csv -o run --models gnb --seed 7", "another configuration", "run", "--force"},
    {"DamagedRun", "study table.csv -o badrun --models gnb", "configuration", "badrun", "--force"},
    {"SearchInAStudy", "tune table.csv --model knn --grid k=1 -o run", "another configuration", "run", "--force"},
    {"DownloadBelowAFile", "fetch fma-small --to file", "cannot create the folder", "file", ""},
    // Object stores
    {"NothingListed", "list nowhere", "no files", "nowhere", "check the location"},
    {"NoBucket", "list s3://", "no bucket", "s3://", "s3://BUCKET/NAME"},
    {"NoEndpoint", "list s3://bucket --endpoint nonsense", "address of a server", "nonsense", "http://HOST:PORT"},
    {"NoCredentials", "list s3://bucket", "no credentials", "s3://", "AWS_ACCESS_KEY_ID"},
};

/// Runs programs in a folder that is their home too, so that nothing of the user's takes part.
class InFolder {
 public:
  explicit InFolder(const fs::path& folder) : home_("HOME", folder), before_(fs::current_path()) {
    fs::current_path(folder);
  }
  ~InFolder() { fs::current_path(before_); }
  InFolder(const InFolder&) = delete;
  InFolder& operator=(const InFolder&) = delete;

 private:
  Environment home_, profile_{"AWS_PROFILE", ""}, endpoint_{"AWS_ENDPOINT_URL", ""}, weights_{"GENREWISE_WEIGHTS", ""},
      instance_{"AWS_EC2_METADATA_DISABLED", "true"};
  fs::path before_;
};

Arguments words_of(const std::string& line) {
  Arguments words;
  std::istringstream stream(line);
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

struct Refusals : ::testing::Test {
  Refusals() {
    write_file("table.csv", table_csv());
    make_music("music", 4, 1);
    write_bad_tables();
    write_file("file", "x");
    make_folders("nothing");
    make_folders("noaudio/Jazz");
    write_file("noaudio/Jazz/x.wav", "");
    must("train table.csv --model gnb -o model.gwm");
    must("train music --features raw10k --model gnb --on all -o raw.gwm");
    must("study table.csv --models gnb -o run");
    must("pack music --features raw10k --scheme random --shards 2 -o pack");
    must("extract music --features raw10k -o bare.npy");
    fs::rename("bare.npy.json", "other.npy.json");
    write_file("other.npy", "no");
    write_file("cut.gwm", read_file("model.gwm").substr(0, 500));
    write_file("text.gwm", "text");
    fs::copy("run", "badrun", fs::copy_options::recursive);
    write_file("badrun/config.json", "{");
    write_bad_packs();
  }
  static void write_bad_tables() {
    write_file("empty.csv", "");
    write_file("header.csv", "track_id,genre,loud\n");
    write_file("words.csv", "track_id,genre,loud\n1,Jazz,0.5\n2,Rock,loud\n");
    write_file("ragged.csv", "track_id,genre,loud\n1,Jazz,0.5\n2,Rock\n");
    write_file("quote.csv", "track_id,genre,loud\n1,\"Jazz,0.5\n");
    write_file("columns.csv", "track_id,genre,a,a\n1,Jazz,0.5,1\n");
    write_file("twice.csv", "track_id,genre,loud\n1,Jazz,0.5\n1,Rock,0.6\n");
    write_file("onegenre.csv", "track_id,genre,loud\n1,Jazz,1\n2,Jazz,2\n3,Jazz,3\n4,Jazz,4\n5,Jazz,5\n");
    write_file("nogenre.csv", "path,gnre\nx.wav,a\n");
    write_file("gone.csv", "path,genre\nnowhere.wav,a\n");
    write_file("badsplit.csv", "track_id,part\n1,trainng\n");
    write_file("nosplit.csv", "a,b\n1,2\n");
    write_file("fewsplit.csv", "track_id,part\n1,training\n");
  }
  static void write_bad_packs() {
    for (const char* name : {"badpack", "badmanifest", "oddmanifest"}) {
      fs::copy("pack", name, fs::copy_options::recursive);
    }
    for (const auto& entry : fs::directory_iterator("badpack")) {
      if (entry.path().extension() == ".tfrec") fs::resize_file(entry.path(), 100);
    }
    write_file("badmanifest/manifest.json", "{");
    write_file("oddmanifest/manifest.json", "{\"a\":1}");
    make_folders("unfinished/.pack");
  }
  static void must(const std::string& line) {
    const Ran ran = run_program(words_of(line));
    ASSERT_EQ(ran.code, 0) << line << "\n" << ran.err;
  }

  static void expect_refused(const Refusal& refusal);

  TemporaryFolder folder;
  InFolder inside{folder.path()};
};

void Refusals::expect_refused(const Refusal& refusal) {
  SCOPED_TRACE(std::string(refusal.name) + ": genrewise " + refusal.arguments);
  const bool with_account = std::string_view(refusal.name) != "NoCredentials";
  const Environment key("AWS_ACCESS_KEY_ID", with_account ? "key" : "");
  const Environment secret("AWS_SECRET_ACCESS_KEY", with_account ? "secret" : "");
  fs::remove_all("x");  // a run that cannot be finished may leave its folder
  const Ran ran = run_program(words_of(refusal.arguments));
  EXPECT_EQ(ran.code, refusal.code);
  EXPECT_THAT(ran.out, IsEmpty());
  const std::size_t start = ran.err.find("genrewise: ");
  ASSERT_NE(start, std::string::npos) << ran.err;
  const std::string message = ran.err.substr(start);
  EXPECT_THAT(message, StartsWith(refusal.code == kUsage ? "genrewise: wrong usage: " : "genrewise: error: "));
  EXPECT_THAT(message, AllOf(HasSubstr(refusal.what), HasSubstr(refusal.remedy)));
  EXPECT_THAT(ran.err, HasSubstr(refusal.where));
  for (const char* raw : {"json.exception", "what()", "filesystem error", "std::", "terminate", "should not happen",
                          "ValidationError", "not in {", "Could not convert"}) {
    EXPECT_THAT(ran.err, Not(HasSubstr(raw)));
  }
  for (const char* output : {"x/results.json", "x/manifest.json", "m.gwm", "t.csv", "s.csv"}) {
    EXPECT_FALSE(fs::exists(output)) << output;
  }
}

TEST_F(Refusals, StateWhatIsWrongWhereAndWhatToDo) {
  for (const Refusal& refusal : kRefusals) expect_refused(refusal);
}

}  // namespace
}  // namespace genrewise::testing
