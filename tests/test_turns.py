"""Who waits for the device gets it in the order of asking."""

import threading

from artgpt4.turns import FairLock


def test_who_asked_first_has_it_first(eventually):
    lock, order, threads = FairLock(), [], []

    def wait(number):
        with lock:
            order.append(number)

    with lock:
        for number in range(8):
            threads.append(threading.Thread(target=wait, args=(number,)))
            threads[-1].start()
            eventually(lambda number=number: len(lock._waiting) == number + 1)
        assert order == []
    for thread in threads:
        thread.join()
    assert order == list(range(8)) and not lock.locked()


def test_two_that_want_it_again_and_again_alternate(eventually):
    lock, order = FairLock(), []

    def write(name):
        for _ in range(50):
            with lock:
                order.append(name)
                # Both are to be there at every turn, so that it is the lock that decides.
                eventually(lambda: lock._waiting or 50 in map(order.count, "ab"))

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    with lock:
        for number, thread in enumerate(threads):
            thread.start()
            eventually(lambda number=number: len(lock._waiting) == number + 1)
    for thread in threads:
        thread.join()
    assert "".join(order) == "ab" * 50


def test_only_one_holds_it_at_a_time_and_an_error_lets_it_go():
    lock, inside, most = FairLock(), [], []

    def work():
        for number in range(200):
            try:
                with lock:
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()
                    if number % 3 == 0:
                        raise KeyError
            except KeyError:
                pass

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1 and len(most) == 1200 and not lock.locked()
