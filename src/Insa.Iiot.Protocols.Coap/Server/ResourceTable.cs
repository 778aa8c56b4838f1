using System.Text;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Transport;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.Coap.Server;

/// <summary>The resources of the server by their paths: its own, and the host's.</summary>
internal sealed class ResourceTable
{
    private readonly Dictionary<byte[], CoapResource> _resources = new(Utf8BytesComparer.Instance);
    private readonly Dictionary<byte[], CoapResource>.AlternateLookup<ReadOnlySpan<byte>> _lookup;

    public ResourceTable(IOptionsMonitor<CoapServerOptions> options, IEnumerable<IOwnResource> own)
    {
        _lookup = _resources.GetAlternateLookup<ReadOnlySpan<byte>>();
        foreach (var resource in options.CurrentValue.Resources)
            _resources[Encoding.UTF8.GetBytes(resource.Path)] = resource;

        // The host's take the place of the server's own.
        foreach (var resource in own.Select(one => one.Create(this)).OfType<CoapResource>())
            _resources.TryAdd(Encoding.UTF8.GetBytes(resource.Path), resource);
    }

    public IReadOnlyCollection<CoapResource> All => _resources.Values;

    public CoapResource? Find(in CoapMessage message)
    {
        Span<byte> path = stackalloc byte[UdpSocket.MaxDatagramBytes];
        var length = 0;
        var reader = new CoapOptionReader(message.Options);
        while (reader.Read() && reader.Number <= CoapOptionNumber.UriPath)
        {
            if (reader.Number != CoapOptionNumber.UriPath)
                continue;
            if (reader.Value.Contains((byte)'/'))
                return null; // It would look like two.
            if (length > 0)
                path[length++] = (byte)'/';
            reader.Value.CopyTo(path[length..]);
            length += reader.Value.Length;
        }

        return _lookup.TryGetValue(path[..length], out var resource) ? resource : null;
    }
}
