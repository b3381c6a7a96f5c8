import pickle

import genrewise


def test_an_error_has_the_three_parts_and_the_text_of_the_program():
    error = genrewise.Error("has no header row", "a.csv", "add one")
    assert (error.what, error.where, error.remedy) == ("has no header row", "a.csv", "add one")
    assert str(error) == "a.csv: has no header row; add one"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
