using Insa.Iiot.Protocols.OpcUa.Encoding;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Encoding;

/// <summary>Gives memory in small pieces, as the end of a chunk does.</summary>
internal sealed class PiecewiseOutput(int pieceBytes) : IMessageOutput
{
    private readonly List<byte> _written = [];
    private readonly byte[] _piece = new byte[pieceBytes];
    private int _used;

    public byte[] Written => [.. _written];

    public Span<byte> GetSpan(int minimum)
    {
        if (_piece.Length - _used < minimum)
            _used = 0;
        return _piece.AsSpan(_used);
    }

    public void Advance(int count)
    {
        _written.AddRange(_piece.AsSpan(_used, count));
        _used += count;
    }
}
