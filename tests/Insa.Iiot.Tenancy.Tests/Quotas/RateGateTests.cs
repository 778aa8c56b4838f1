using CsCheck;
using Insa.Iiot.Tenancy.Quotas;

namespace Insa.Iiot.Tenancy.Tests.Quotas;

public sealed class RateGateTests
{
    private const long Second = GateClock.PerSecond;

    private static readonly Gen<RateWindow> AnyWindow = Gen.Select(
        Gen.Long[1, 100_000],
        Gen.Int[1, 3_600],
        (units, seconds) => new RateWindow(units, seconds)
    );

    /// <summary>Arrivals at up to four times the rate and down to a quarter of it, with bursts.</summary>
    private static readonly Gen<(RateWindow Window, double[] Gaps)> AnyTraffic = Gen.Select(
        AnyWindow,
        Gen.Double[0, 4].Array[100, 2_000],
        (window, gaps) => (window, gaps)
    );

    [Fact]
    public void One_window_admits_what_an_exact_bucket_admits() =>
        AnyTraffic.Sample(traffic =>
        {
            var gate = GateOf(traffic.Window);
            var model = new ExactBucket(traffic.Window);
            var interval = traffic.Window.Seconds * Second / traffic.Window.Units;
            var (now, admitted) = (0L, 0L);
            foreach (var gap in traffic.Gaps)
            {
                now += (long)(gap * gap * interval / 4);
                admitted += gate.TryTake(1, now) == 0 ? 1 : 0;
                model.TryTake(1, now);
            }

            return Math.Abs(admitted - model.Admitted) <= Math.Max(1, model.Admitted / 1_000);
        });

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 1)]
    [InlineData(1_000, 1)]
    [InlineData(20_000, 60)]
    [InlineData(999_983, 1)]
    [InlineData(7_654_321, 1)]
    public void Under_full_load_the_error_is_below_a_thousandth(long units, int seconds)
    {
        var gate = GateOf(new RateWindow(units, seconds));
        var model = new ExactBucket(new RateWindow(units, seconds));
        var step = Math.Max(1, units / 1_000);
        var admitted = 0L;
        for (long i = 0; i < 40_000; i++)
        {
            var now = i * seconds * Second / 2_000;
            while (gate.TryTake(step, now) == 0)
                admitted += step;
            while (model.TryTake(step, now))
            {
                // All that there is.
            }
        }

        Assert.InRange(admitted, model.Admitted - (model.Admitted / 1_000) - step, model.Admitted);
    }

    [Fact]
    public void No_window_ever_admits_above_its_bound() =>
        Gen.Select(AnyWindow, AnyWindow, Gen.Select(Gen.Long[1, 2_000], Gen.Long[0, Second]).Array[1, 500])
            .Sample(
                (one, other, arrivals) =>
                {
                    var gate = GateOf(one, other);
                    var (now, admitted) = (0L, 0L);
                    foreach (var (units, gap) in arrivals)
                    {
                        now += gap;
                        admitted += gate.TryTake(units, now) == 0 ? units : 0;
                        if (admitted > BoundOf(one, now) || admitted > BoundOf(other, now))
                            return false;
                    }

                    return true;
                }
            );

    [Fact]
    public void Who_waits_as_long_as_told_is_admitted() =>
        Gen.Select(AnyWindow, AnyWindow, Gen.Long[1, 50].Array[1, 200])
            .Sample(
                (one, other, arrivals) =>
                {
                    var gate = GateOf(one, other);
                    var now = 0L;
                    foreach (var units in arrivals.Where(units => units <= Math.Min(one.Units, other.Units)))
                    {
                        var wait = gate.TryTake(units, now);
                        if (wait == 0)
                            continue;
                        if (gate.WaitFor(units, now + wait - 1) == 0)
                            return false;
                        now += wait;
                        if (gate.TryTake(units, now) != 0)
                            return false;
                    }

                    return true;
                }
            );

    [Fact]
    public void A_refusal_by_one_window_takes_nothing_from_the_others()
    {
        var gate = new RateGate(RateLimit.Parse("100:1,10:60"));
        Assert.Equal(0, gate.TryTake(10, 0));
        Assert.Equal(6 * Second, gate.TryTake(1, 0));
        Assert.Equal(new RateStanding(new RateWindow(100, 1), 90, TimeSpan.FromSeconds(0.1)), gate.Read(0, 0));
        Assert.Equal(new RateStanding(new RateWindow(10, 60), 0, TimeSpan.FromSeconds(60)), gate.Read(1, 0));
    }

    [Fact]
    public void More_than_a_window_has_is_never_admitted()
    {
        var gate = new RateGate(RateLimit.Parse("10:5"));
        Assert.Equal(5 * Second, gate.TryTake(11, 0));
        Assert.Equal(5 * Second, gate.TryTake(long.MaxValue, 1_000 * Second));
        Assert.Equal(0, gate.TryTake(10, 1_000 * Second));
    }

    [Fact]
    public void Debt_is_paid_before_the_next_comes()
    {
        var gate = new RateGate(RateLimit.Parse("10:1"));
        gate.Charge(25, 0);
        Assert.Equal(0, gate.Read(0, 0).Remaining);
        Assert.Equal((16 * Second / 10) + 0, gate.WaitFor(1, 0));
        Assert.Equal(0, gate.WaitFor(1, 16 * Second / 10));
        gate.Charge(long.MaxValue, Second);
        Assert.True(gate.WaitFor(1, 1_000_000 * Second) > 0);
    }

    [Fact]
    public void What_is_given_back_can_be_taken_again()
    {
        var gate = new RateGate(RateLimit.Parse("2:1,3:60"));
        Assert.Equal(0, gate.TryTake(2, 0));
        gate.GiveBack(1);
        Assert.Equal(0, gate.TryTake(1, 0));
        Assert.NotEqual(0, gate.TryTake(1, 0));
        Assert.False(gate.IsAtRest(39 * Second));
        Assert.True(gate.IsAtRest(41 * Second));
    }

    [Fact]
    public async Task Threads_together_never_get_more_than_the_bound()
    {
        // 100,000 at once, and 1,000 of the first window for every thousandth of a second that passes.
        var gate = new RateGate(RateLimit.Parse("100000:100,1000000:3600"));
        var now = 0L;
        var taken = await RunAsync(
            32,
            i =>
            {
                var moment = i % 64 == 0 ? Interlocked.Add(ref now, Second / 10_000) : Volatile.Read(ref now);
                return gate.TryTake(1 + (i % 3), moment) == 0 ? 1 + (i % 3) : 0;
            },
            20_000
        );
        Assert.InRange(taken, 100_000, 100_000 + (Volatile.Read(ref now) / (Second / 1_000)));
    }

    [Fact]
    public async Task Threads_at_one_moment_get_exactly_what_there_is()
    {
        var gate = new RateGate(RateLimit.Parse("50000:1,40000:60"));
        Assert.Equal(40_000, await RunAsync(32, _ => gate.TryTake(1, 5) == 0 ? 1 : 0, 5_000));
    }

    [Fact]
    public void Nothing_is_allocated()
    {
        var gate = new RateGate(RateLimit.Parse("1000:1,20000:60"));
        gate.TryTake(1, 0);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 5_000; i++)
        {
            gate.TryTake(1, i);
            gate.Read(1, i);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static RateGate GateOf(params RateWindow[] windows) =>
        new(RateLimit.Parse(string.Join(',', windows.Select(window => $"{window.Units}:{window.Seconds}"))));

    private static long BoundOf(RateWindow window, long now) =>
        window.Units + (long)((Int128)now * window.Units / (window.Seconds * Second));

    private static async Task<long> RunAsync(int threads, Func<int, long> take, int times)
    {
        var total = 0L;
        using var start = new Barrier(threads);
        var work = Enumerable.Range(0, threads).Select(_ => new Thread(Run)).ToList();
        work.ForEach(thread => thread.Start());
        await Task.Run(() => work.ForEach(thread => thread.Join()));
        return total;

        void Run()
        {
            start.SignalAndWait();
            var mine = 0L;
            for (var i = 0; i < times; i++)
                mine += take(i);
            Interlocked.Add(ref total, mine);
        }
    }

    /// <summary>A bucket in whole numbers: what is in it times the window's length.</summary>
    private sealed class ExactBucket(RateWindow window)
    {
        private readonly Int128 _full = (Int128)window.Units * window.Seconds * Second;
        private Int128 _content = (Int128)window.Units * window.Seconds * Second;
        private long _at;

        public long Admitted { get; private set; }

        public bool TryTake(long units, long now)
        {
            _content = Int128.Min(_full, _content + ((Int128)(now - _at) * window.Units));
            _at = now;
            var cost = (Int128)units * window.Seconds * Second;
            if (_content < cost)
                return false;
            _content -= cost;
            Admitted += units;
            return true;
        }
    }
}
