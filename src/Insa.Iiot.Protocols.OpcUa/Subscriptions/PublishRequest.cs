using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Server;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>A Publish request that waits, with what became of the acknowledgements it brought. Used again after it is answered.</summary>
internal sealed class PublishRequest
{
    private StatusCode[] _results = [];
    private int _count;

    public RequestContext? Context { get; set; }

    public void Clear()
    {
        Context = null;
        _count = 0;
    }

    public void AddResult(StatusCode result)
    {
        if (_count == _results.Length)
            Array.Resize(ref _results, Math.Max(4, _count * 2));
        _results[_count++] = result;
    }

    public void WriteResults(ref UaWriter writer)
    {
        writer.ArrayLength(_count);
        for (var i = 0; i < _count; i++)
            writer.StatusCode(_results[i]);
    }
}
