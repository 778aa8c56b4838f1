namespace Insa.Iiot.Protocols.Coap;

/// <summary>A resource of the server, at a fixed path. Set it up before the server starts; <see cref="NotifyChanged"/> may be called at any time.</summary>
public sealed class CoapResource
{
    private readonly CoapHandler?[] _handlers = new CoapHandler?[CoapCode.IPatch.Value + 1];

    internal CoapResource(string path) => Path = path;

    /// <summary>The path, its segments joined by <c>/</c>.</summary>
    public string Path { get; }

    /// <summary>Whether anyone may ask, without a credential; then it takes no POST, PATCH and iPATCH. Default <see langword="false"/>.</summary>
    public bool AllowsAnonymous { get; set; }

    /// <summary>Whether GET may be observed (RFC 7641). Default <see langword="false"/>.</summary>
    public bool IsObservable { get; set; }

    /// <summary>Whether all notifications are confirmed, and not just every fifth. Default <see langword="false"/>.</summary>
    public bool ConfirmsNotifications { get; set; }

    /// <summary>Attributes of its link (RFC 6690 §3), such as <c>rt</c>, by name; an empty value stands for a name alone.</summary>
    public IDictionary<string, string> Attributes { get; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    internal event Action<CoapResource, TenantId?, DeviceId?>? Changed;

    /// <summary>Sets the handler of a method.</summary>
    /// <exception cref="ArgumentException"><paramref name="method"/> is none.</exception>
    public CoapResource On(CoapCode method, CoapHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        if (!method.IsRequest || method.Value >= _handlers.Length)
            throw new ArgumentException($"{method} is no method.", nameof(method));
        _handlers[method.Value] = handler;
        return this;
    }

    /// <summary>Tells its observers that it has changed: each is sent what GET answers it now.</summary>
    /// <param name="tenant">Only observers of this tenant; <see langword="null"/> for all.</param>
    /// <param name="device">Only observers of this device; <see langword="null"/> for all.</param>
    public void NotifyChanged(TenantId? tenant = null, DeviceId? device = null) => Changed?.Invoke(this, tenant, device);

    /// <summary>Finds the device whose state a request asks for, where that may be another than its own.</summary>
    internal Func<CoapContext, DeviceId?>? Subject { get; init; }

    internal DeviceId SubjectOf(CoapContext context) => Subject?.Invoke(context) ?? context.Session!.Device;

    internal CoapHandler? Find(CoapCode method) => method.Value < _handlers.Length ? _handlers[method.Value] : null;
}
