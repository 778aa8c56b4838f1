namespace Insa.Iiot.Protocols.Coap;

/// <summary>
/// Keeps how far the sequence numbers of an OSCORE context were used (RFC 8613 appendix B.1.1). A number that comes twice under the same key gives
/// the messages away: what was handed out must never be again, whatever fails or is restored. Thread-safe.
/// </summary>
public interface IOscoreSequenceStore
{
    /// <summary>Sets numbers aside, durably before it returns.</summary>
    /// <param name="count">How many, 1 or more. Those that are not used are lost.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The first of them, 0 or more and higher than any before.</returns>
    /// <exception cref="IOException">They cannot be kept; nothing is sent without them.</exception>
    ValueTask<long> ReserveAsync(int count, CancellationToken cancellationToken = default);
}
