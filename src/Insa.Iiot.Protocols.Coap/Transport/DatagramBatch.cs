using System.Collections.Concurrent;

namespace Insa.Iiot.Protocols.Coap.Transport;

/// <summary>Datagrams that are written under a lock, and sent after it. Kept for the next ones.</summary>
internal sealed class DatagramBatch
{
    private const int MaxIdle = 16;
    private const int KeptBytes = 1024 * 1024;
    private static readonly ConcurrentBag<DatagramBatch> Idle = [];

    private readonly List<(PeerAddress Peer, int Offset, int Length)> _datagrams = [];
    private byte[] _bytes = new byte[16 * 1024];
    private int _length;

    public int Count => _datagrams.Count;

    public ReadOnlySpan<byte> this[int index] => _bytes.AsSpan(_datagrams[index].Offset, _datagrams[index].Length);

    public static DatagramBatch Rent() => Idle.TryTake(out var batch) ? batch : new DatagramBatch();

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    public PeerAddress PeerOf(int index) => _datagrams[index].Peer;

    /// <summary>Where a datagram lies in <see cref="Bytes"/>, and whom it is for.</summary>
    public (PeerAddress Peer, int Offset, int Length) At(int index) => _datagrams[index];

    /// <summary>Room for the next datagram; it is part of the batch once it is committed.</summary>
    public Span<byte> Reserve(int length)
    {
        if (_bytes.Length - _length < length)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + length));
        return _bytes.AsSpan(_length, length);
    }

    public void Commit(in PeerAddress peer, int length)
    {
        _datagrams.Add((peer, _length, length));
        _length += length;
    }

    /// <summary>Gives it back.</summary>
    public void Return()
    {
        _datagrams.Clear();
        _length = 0;
        if (_bytes.Length <= KeptBytes && Idle.Count < MaxIdle)
            Idle.Add(this);
    }
}
