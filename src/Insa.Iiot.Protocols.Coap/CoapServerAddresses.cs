using System.Net;

namespace Insa.Iiot.Protocols.Coap;

/// <summary>Where the server really listens, once the host has started.</summary>
public sealed class CoapServerAddresses
{
    private readonly SortedDictionary<int, Func<IPEndPoint>> _byListener = [];

    internal CoapServerAddresses() { }

    /// <summary>The bound addresses and ports, in the order of the options. Complete once the host has started.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints
    {
        get
        {
            lock (_byListener)
                return [.. _byListener.Values.Select(endpoint => endpoint())];
        }
    }

    /// <param name="listener">The listener's place in the options.</param>
    /// <param name="endpoint">Tells where it is.</param>
    internal void Set(int listener, Func<IPEndPoint> endpoint)
    {
        lock (_byListener)
            _byListener[listener] = endpoint;
    }

    internal bool Has(int listener)
    {
        lock (_byListener)
            return _byListener.ContainsKey(listener);
    }
}
