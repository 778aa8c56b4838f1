namespace Insa.Iiot.Tenancy.Access;

/// <summary>Hashes passwords, a few at a time: whoever tries many takes a quarter of the processors from the rest of the host, and no more.</summary>
internal sealed class PasswordWork : IDisposable
{
    // Of the wait alone; a hash takes some tenths of a second.
    private static readonly TimeSpan DefaultPatience = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _free;
    private readonly TimeSpan _patience;

    public PasswordWork()
        : this(Math.Max(1, Environment.ProcessorCount / 4), DefaultPatience) { }

    internal PasswordWork(int most, TimeSpan patience) => (_free, _patience) = (new SemaphoreSlim(most, most), patience);

    /// <exception cref="TenancyException"><see cref="TenancyError.Busy"/>: others were before it for too long.</exception>
    public async ValueTask<(byte[] Salt, byte[] Hash)> MakeAsync(string password, int iterations, CancellationToken cancellationToken)
    {
        using var turn = await TakeTurnAsync(cancellationToken).ConfigureAwait(false);
        return PasswordHash.Make(password, iterations);
    }

    /// <exception cref="TenancyException"><see cref="TenancyError.Busy"/>: others were before it for too long.</exception>
    public async ValueTask<bool> MatchesAsync(
        string password,
        byte[] salt,
        byte[] hash,
        int iterations,
        CancellationToken cancellationToken
    )
    {
        using var turn = await TakeTurnAsync(cancellationToken).ConfigureAwait(false);
        return PasswordHash.Matches(password, salt, hash, iterations);
    }

    public void Dispose() => _free.Dispose();

    /// <summary>Waits for its turn; dispose what is returned.</summary>
    internal async ValueTask<Turn> TakeTurnAsync(CancellationToken cancellationToken) =>
        await _free.WaitAsync(_patience, cancellationToken).ConfigureAwait(false)
            ? new Turn(_free)
            : throw new TenancyException(TenancyError.Busy, "Too many passwords are being checked: try again later.");

    internal readonly struct Turn(SemaphoreSlim free) : IDisposable
    {
        public void Dispose() => free.Release();
    }
}
