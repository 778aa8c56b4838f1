using System.Buffers;
using Insa.Iiot.Protocols.OpcUa.Encoding;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>The notification messages of a subscription that the client has not acknowledged yet, bounded in number and bytes.</summary>
internal sealed class RetransmissionQueue(int maxMessages, int maxBytes)
{
    // Oldest first. The buffers are the pool's and this queue's until they are removed.
    private readonly List<(uint SequenceNumber, byte[] Buffer, int Length)> _messages = [];
    private long _bytes;

    public int Count => _messages.Count;

    /// <summary>Messages that made room before they were acknowledged.</summary>
    public uint Discarded { get; private set; }

    /// <summary>Takes a message over; the oldest go when there is no room.</summary>
    /// <returns>How many went.</returns>
    public int Add(uint sequenceNumber, byte[] buffer, int length)
    {
        _messages.Add((sequenceNumber, buffer, length));
        _bytes += buffer.Length;
        var discarded = 0;
        for (; _messages.Count > maxMessages || (_bytes > maxBytes && _messages.Count > 1); discarded++)
            Remove(0);
        Discarded += (uint)discarded;
        return discarded;
    }

    public bool TryFind(uint sequenceNumber, out ReadOnlySpan<byte> message)
    {
        var index = IndexOf(sequenceNumber);
        message = index < 0 ? default : _messages[index].Buffer.AsSpan(0, _messages[index].Length);
        return index >= 0;
    }

    public bool Acknowledge(uint sequenceNumber)
    {
        var index = IndexOf(sequenceNumber);
        if (index < 0)
            return false;
        Remove(index);
        return true;
    }

    public void WriteSequenceNumbers(ref UaWriter writer)
    {
        writer.ArrayLength(_messages.Count);
        foreach (var (sequenceNumber, _, _) in _messages)
            writer.UInt32(sequenceNumber);
    }

    public uint[] SequenceNumbers() => [.. _messages.Select(message => message.SequenceNumber)];

    public void Clear()
    {
        while (_messages.Count > 0)
            Remove(_messages.Count - 1);
    }

    private int IndexOf(uint sequenceNumber)
    {
        for (var i = 0; i < _messages.Count; i++)
        {
            if (_messages[i].SequenceNumber == sequenceNumber)
                return i;
        }

        return -1;
    }

    private void Remove(int index)
    {
        var buffer = _messages[index].Buffer;
        _messages.RemoveAt(index);
        _bytes -= buffer.Length;
        ArrayPool<byte>.Shared.Return(buffer);
    }
}
