using Insa.Iiot.Protocols.OpcUa.Encoding;

namespace Insa.Iiot.Protocols.OpcUa.Transport;

/// <summary>Takes what nobody is there to read any more.</summary>
internal sealed class DiscardingOutput : IMessageOutput
{
    private readonly byte[] _nowhere = new byte[64];

    public static DiscardingOutput Instance { get; } = new();

    private DiscardingOutput() { }

    public Span<byte> GetSpan(int minimum) => _nowhere;

    public void Advance(int count) { }
}
