using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>A list of notifications as an extension object, whose length and number of items are known when they are written. Empty, it is not there.</summary>
internal struct NotificationList(PooledOutput? output)
{
    private int _lengthAt;

    public int Count { get; private set; }

    /// <summary>Counts an item that is written next; the head of the list comes before the first.</summary>
    public void BeginItem(uint encodingId)
    {
        if (Count++ > 0)
            return;
        var writer = new UaWriter(output!);
        writer.NodeId(encodingId);
        writer.Byte((byte)ExtensionObjectBody.Binary);
        writer.Flush();
        _lengthAt = output!.Length;
        writer.Int32(0);
        writer.Int32(0);
        writer.Flush();
    }

    /// <summary>Fills in what was not known.</summary>
    public readonly void End()
    {
        if (Count == 0)
            return;
        output!.Patch(_lengthAt, output.Length - _lengthAt - sizeof(int));
        output.Patch(_lengthAt + sizeof(int), Count);
    }
}
