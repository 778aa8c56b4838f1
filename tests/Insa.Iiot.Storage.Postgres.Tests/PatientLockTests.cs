using Insa.Iiot.Storage.Postgres.Jobs;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests;

public sealed class PatientLockTests
{
    [Fact]
    public async Task A_lock_that_is_not_to_be_had_is_waited_for_longer_by_and_by()
    {
        var (time, waits) = (new FakeTimeProvider(), new List<double>());
        var work = PatientLock.TryAsync(
            wait =>
            {
                waits.Add(wait.TotalMilliseconds);
                throw new PostgresException("in use", "ERROR", "ERROR", PostgresErrorCodes.LockNotAvailable);
            },
            "given up",
            time,
            CancellationToken.None
        );
        while (!work.IsCompleted)
        {
            time.Advance(TimeSpan.FromMilliseconds(200));
            await Task.Yield();
        }

        Assert.Equal("given up", await work);
        Assert.Equal([40, 80, 160, 320, 640], waits.Distinct());
        Assert.Equal(waits.Order(), waits);
    }

    [Fact]
    public async Task Whatever_else_fails_is_not_tried_again()
    {
        var failure = new PostgresException("wrong", "ERROR", "ERROR", PostgresErrorCodes.UndefinedTable);
        var work = PatientLock.TryAsync<int>(_ => throw failure, 0, new FakeTimeProvider(), CancellationToken.None);
        Assert.Same(failure, await Assert.ThrowsAsync<PostgresException>(() => work));
    }
}
