using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>
/// The continuation points of one session. A point says by itself where to go on, under a seal that only this session's key makes and only for
/// the question it answers; what is kept of it is its number, so that it is good for one use. Nothing of the store stays open. Thread-safe.
/// </summary>
internal sealed class HistoryContinuationPoints(int capacity)
{
    private const int SealBytes = 16;
    private const int PointBytes = 16 + SealBytes;

    private readonly Lock _lock = new();
    private readonly Queue<ulong> _order = new();
    private readonly HashSet<ulong> _open = [];
    private byte[]? _key;

    /// <summary>The points that are open.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _open.Count;
        }
    }

    /// <summary>Makes a point. If there are too many, the oldest is no longer good (Part 4 §7.9).</summary>
    public byte[] Issue(HistoryPosition position, in HistoryNode node, in HistoryQuestion question)
    {
        var point = new byte[PointBytes];
        lock (_lock)
        {
            _key ??= RandomNumberGenerator.GetBytes(32);
            var number = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong)));
            if (!_open.Add(number))
                return Issue(position, node, question);
            _order.Enqueue(number);
            while (_open.Count > capacity || _order.Count > 2 * capacity)
                _open.Remove(_order.Dequeue());
            BinaryPrimitives.WriteUInt64LittleEndian(point, number);
        }

        BinaryPrimitives.WriteInt64LittleEndian(point.AsSpan(8), position.Next);
        Seal(point.AsSpan(0, 16), node, question, point.AsSpan(16));
        return point;
    }

    /// <summary>Uses a point up.</summary>
    /// <returns><see langword="false"/> if it is not this session's, not for this question, or used or released before.</returns>
    public bool TryTake(ReadOnlySpan<byte> point, in HistoryNode node, in HistoryQuestion question, out HistoryPosition position)
    {
        position = default;
        if (point.Length != PointBytes || _key is null)
            return false;
        Span<byte> seal = stackalloc byte[SealBytes];
        Seal(point[..16], node, question, seal);
        if (!CryptographicOperations.FixedTimeEquals(seal, point[16..]) || !Release(point))
            return false;
        position = new(BinaryPrimitives.ReadInt64LittleEndian(point[8..]));
        return true;
    }

    /// <summary>Closes a point.</summary>
    /// <returns><see langword="false"/> if there is none such.</returns>
    public bool Release(ReadOnlySpan<byte> point)
    {
        if (point.Length != PointBytes)
            return false;
        lock (_lock)
            return _open.Remove(BinaryPrimitives.ReadUInt64LittleEndian(point));
    }

    private void Seal(ReadOnlySpan<byte> head, in HistoryNode node, in HistoryQuestion question, Span<byte> seal)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key!);
        Span<byte> asked = stackalloc byte[HistoryQuestion.Bytes];
        question.Write(asked);
        hash.AppendData(head);
        hash.AppendData(asked);
        hash.AppendData(System.Text.Encoding.UTF8.GetBytes(node.Device.Value));
        hash.AppendData([0]);
        hash.AppendData(System.Text.Encoding.UTF8.GetBytes(node.Metric));
        Span<byte> whole = stackalloc byte[32];
        hash.GetHashAndReset(whole);
        whole[..SealBytes].CopyTo(seal);
    }
}
