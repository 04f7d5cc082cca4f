from training.film import N_POINTS, points_due


def test_the_film_has_its_points_from_the_untrained_to_the_finished_model():
    shares = [i / 10_000 for i in range(10_001)]
    reached = [points_due(share) for share in shares]
    assert reached[0] == 1
    assert reached[-1] == N_POINTS == 24
    assert reached[-2] == N_POINTS - 1
    assert set(range(2, N_POINTS + 1)) <= set(reached)


def test_half_the_points_come_in_the_first_thirtieth():
    assert points_due(0.001) == 2
    assert points_due(0.0317) == N_POINTS // 2 + 1
