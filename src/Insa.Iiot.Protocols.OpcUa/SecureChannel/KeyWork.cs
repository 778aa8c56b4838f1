namespace Insa.Iiot.Protocols.OpcUa.SecureChannel;

/// <summary>Lets a few at once compute with the server's key, and some wait: whoever asks for much of it takes that much of the processors and no more.</summary>
internal sealed class KeyWork(int most) : IDisposable
{
    private const int WaitingPerPlace = 64;

    private readonly SemaphoreSlim _places = new(most, most);
    private int _present;

    /// <summary>Waits for a place; <see cref="Leave"/> gives it back.</summary>
    /// <returns><see langword="false"/> if too many wait already.</returns>
    public async ValueTask<bool> TryEnterAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _present) > most * (WaitingPerPlace + 1))
        {
            Interlocked.Decrement(ref _present);
            return false;
        }

        try
        {
            await _places.WaitAsync(cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch
        {
            Interlocked.Decrement(ref _present);
            throw;
        }
    }

    public void Leave()
    {
        _places.Release();
        Interlocked.Decrement(ref _present);
    }

    public void Dispose() => _places.Dispose();
}
