from camera_recovery import measure_recovery


def test_a_camera_that_goes_ten_times_is_read_again_within_three_seconds_each_time():
    told = []
    result = measure_recovery(10, told.append, gone_for=(0.1, 0.3))
    assert len(told) == result.times == 10
    assert (result.late, result.crashes, result.threads_left) == (0, 0, 0)
    assert result.reconnects >= 5
    assert "10 times" in result.describe()
    assert result.as_dict()["max_s"] <= 3.0
