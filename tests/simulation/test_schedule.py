from tests.simulation.schedule import made, read


def test_a_schedule_is_read_as_it_was_written():
    schedule = made("memory", 3, 200)
    assert read(str(schedule)) == schedule
    assert read("# why\nmemory 3\nconnect 1 0  # first\n\nforget\n").steps == (("connect", 1, 0), ("forget",))


def test_a_seed_makes_one_schedule_and_another_seed_another():
    assert made("memory", 3, 50) == made("memory", 3, 50) != made("memory", 4, 50)
