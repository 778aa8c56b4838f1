using Insa.Iiot.Protocols.Coap.Oscore;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Protocols.Coap.Tests.Oscore;

/// <summary>Sequence numbers: each once, whatever is lost (RFC 8613 appendix B.1.1).</summary>
public sealed class OscoreNumbersTests
{
    private static readonly TenantId Plant = TenantId.TryParse("plant", out var id) ? id : default;
    private static readonly DeviceId Press = DeviceId.Parse("press");

    [Fact]
    public async Task Hosts_that_share_a_store_never_give_out_the_same_number()
    {
        var control = new MemoryControlStore();
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 5, 1, 0, 0, 0, TimeSpan.Zero));
        var taken = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(_ =>
                    Task.Run(async () =>
                    {
                        List<long> numbers = [];
                        for (var start = 0; start < 20; start++)
                        {
                            var host = new OscoreNumbers(new ControlSequenceStore(control, Plant, Press, time), 16, time, _ => { });
                            await host.FillAsync(default);
                            for (var i = 0; i < 12 && host.TryTake(out var number); i++)
                                numbers.Add(number);
                        }

                        return numbers;
                    })
                )
        );
        var all = taken.SelectMany(numbers => numbers).ToList();
        Assert.Equal(8 * 20 * 12, all.Count);
        Assert.Equal(all.Count, all.Distinct().Count());
        Assert.All(taken, numbers => Assert.Equal(numbers.Order(), numbers));
    }

    [Fact]
    public async Task A_store_that_was_put_back_is_outrun_by_the_clock()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 5, 1, 0, 0, 0, TimeSpan.Zero));
        var before = await new ControlSequenceStore(new MemoryControlStore(), Plant, Press, time).ReserveAsync(4096);
        time.Advance(TimeSpan.FromHours(1));
        var restored = await new ControlSequenceStore(new MemoryControlStore(), Plant, Press, time).ReserveAsync(4096);
        Assert.True(restored >= before + 4096);
    }

    [Fact]
    public async Task A_clock_that_was_put_back_is_outrun_by_the_store()
    {
        var control = new MemoryControlStore();
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 5, 1, 0, 0, 0, TimeSpan.Zero));
        var before = await new ControlSequenceStore(control, Plant, Press, time).ReserveAsync(10);
        var late = new FakeTimeProvider(new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero));
        Assert.Equal(before + 10, await new ControlSequenceStore(control, Plant, Press, late).ReserveAsync(10));
    }

    [Fact]
    public async Task A_store_that_goes_back_is_not_believed()
    {
        var store = new ScriptedStore(100, 50);
        var failures = 0;
        var numbers = new OscoreNumbers(store, 4, TimeProvider.System, _ => Interlocked.Increment(ref failures));
        await numbers.FillAsync(default);
        List<long> taken = [];
        while (Volatile.Read(ref failures) == 0)
        {
            if (numbers.TryTake(out var number))
                taken.Add(number);
            await Task.Yield();
        }

        Assert.Equal([100, 101, 102, 103], taken.Concat(Rest(numbers)));
    }

    [Fact]
    public async Task A_store_that_goes_back_after_the_last_number_was_taken_is_not_believed()
    {
        var store = new HeldStore();
        var failed = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        var numbers = new OscoreNumbers(store, 4, TimeProvider.System, failed.SetResult);
        store.Next.SetResult(100);
        await numbers.FillAsync(default);
        store.Next = new();
        for (var expected = 100L; expected < 104; expected++)
        {
            Assert.True(numbers.TryTake(out var number));
            Assert.Equal(expected, number);
        }

        Assert.False(numbers.TryTake(out _));
        store.Next.SetResult(50);
        Assert.IsType<InvalidOperationException>(await failed.Task.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.False(numbers.TryTake(out _));
    }

    [Fact]
    public async Task Block_follows_block_however_fast_they_are_taken()
    {
        var control = new MemoryControlStore();
        var failures = new List<Exception>();
        var numbers = new OscoreNumbers(
            new ControlSequenceStore(control, Plant, Press, TimeProvider.System),
            8,
            TimeProvider.System,
            failures.Add
        );
        await numbers.FillAsync(default);
        var last = -1L;
        for (var taken = 0; taken < 20_000; )
        {
            if (!numbers.TryTake(out var number))
            {
                await Task.Yield();
                continue;
            }

            Assert.True(number > last);
            last = number;
            taken++;
        }

        Assert.Empty(failures);
    }

    [Fact]
    public async Task After_the_last_number_there_is_none()
    {
        var numbers = new OscoreNumbers(
            new ScriptedStore(OscoreNumbers.Last - 1, OscoreNumbers.Last + 7),
            8,
            TimeProvider.System,
            _ => { }
        );
        await numbers.FillAsync(default);
        Assert.Equal([OscoreNumbers.Last - 1, OscoreNumbers.Last], Rest(numbers));
        Assert.False(numbers.TryTake(out _));
    }

    [Fact]
    public async Task A_file_goes_on_where_it_was_and_is_of_one_client()
    {
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            using (var file = new OscoreSequenceFile(path))
            {
                Assert.Equal(0, await file.ReserveAsync(256));
                Assert.Equal(256, await file.ReserveAsync(1));
                Assert.Throws<IOException>(() => new OscoreSequenceFile(path));
            }

            using (var file = new OscoreSequenceFile(path))
                Assert.Equal(257, await file.ReserveAsync(256));
            await File.WriteAllBytesAsync(path, [1, 2, 3]);
            using var damaged = new OscoreSequenceFile(path);
            await Assert.ThrowsAsync<InvalidDataException>(async () => await damaged.ReserveAsync(1));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static List<long> Rest(OscoreNumbers numbers)
    {
        List<long> taken = [];
        while (numbers.TryTake(out var number))
            taken.Add(number);
        return taken;
    }

    private sealed class ScriptedStore(params long[] firsts) : IOscoreSequenceStore
    {
        private int _next;

        public ValueTask<long> ReserveAsync(int count, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult(firsts[Math.Min(_next++, firsts.Length - 1)]);
    }

    /// <summary>Answers when the test says so.</summary>
    private sealed class HeldStore : IOscoreSequenceStore
    {
        public TaskCompletionSource<long> Next { get; set; } = new();

        public ValueTask<long> ReserveAsync(int count, CancellationToken cancellationToken = default) => new(Next.Task);
    }
}
