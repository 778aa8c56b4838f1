using Microsoft.AspNetCore.Connections;

namespace Insa.Iiot.Protocols;

/// <summary>Counts a protocol's connections from their first byte, and so before a handshake of TLS, and takes no more than there may be.</summary>
/// <param name="max">The most at once.</param>
/// <param name="refused">Told of each that is one too many.</param>
internal sealed class ConnectionLimit(Func<int> max, Action refused)
{
    private int _count;

    /// <summary>Lets a listener's connections through, as long as there is room. Comes before TLS.</summary>
    public ConnectionDelegate Around(ConnectionDelegate next) =>
        async connection =>
        {
            if (!TryEnter())
                return;
            try
            {
                await next(connection).ConfigureAwait(false);
            }
            finally
            {
                Leave();
            }
        };

    /// <summary>Takes a connection's place, which <see cref="Leave"/> gives back.</summary>
    /// <returns><see langword="false"/> if there is none.</returns>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _count) <= max())
            return true;
        Interlocked.Decrement(ref _count);
        refused();
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _count);
}
