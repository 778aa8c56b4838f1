using System.Security.Cryptography;

namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>
/// Counts how often a message could not be handled, by what it holds: a classic queue has no count, and one in a message is the publisher's. Bounded; thread-safe.
/// </summary>
internal sealed class FailedMessages
{
    private const int MaxMessages = 1024;

    private readonly Dictionary<UInt128, int> _failures = [];
    private readonly Lock _sync = new();
    private volatile bool _hasAny;

    public void Add(ReadOnlySpan<byte> body)
    {
        var key = KeyOf(body);
        lock (_sync)
        {
            // Counting starts anew, which lets one of them come more often.
            if (_failures.Count == MaxMessages)
                _failures.Clear();
            _failures[key] = _failures.GetValueOrDefault(key) + 1;
            _hasAny = true;
        }
    }

    /// <returns>How often it has failed.</returns>
    public int CountOf(ReadOnlySpan<byte> body)
    {
        if (!_hasAny)
            return 0;
        var key = KeyOf(body);
        lock (_sync)
            return _failures.GetValueOrDefault(key);
    }

    private static UInt128 KeyOf(ReadOnlySpan<byte> body)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(body, hash);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(hash);
    }
}
