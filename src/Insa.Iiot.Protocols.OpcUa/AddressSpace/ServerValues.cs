using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>The live values of standard variables: who knows one gives it while the server is set up. Read-only afterwards, and thread-safe then.</summary>
internal sealed class ServerValues(StandardNodes nodes)
{
    private readonly Dictionary<int, Func<TenantSpace, Variant>> _values = [];

    /// <summary>Says how to find a variable's value.</summary>
    /// <param name="id">The variable, in namespace 0.</param>
    /// <param name="value">Gives the value as the tenant may see it; called by several threads at once, for each read.</param>
    public void Set(uint id, Func<TenantSpace, Variant> value) => _values[nodes.IndexOf(id)] = value;

    /// <summary>Gives a variable a value for good.</summary>
    public void Set(uint id, Variant value) => Set(id, _ => value);

    /// <returns><see langword="false"/> if nobody knows a live value for the variable.</returns>
    public bool TryGet(int index, TenantSpace space, out Variant value)
    {
        var isKnown = _values.TryGetValue(index, out var find);
        value = isKnown ? find!(space) : default;
        return isKnown;
    }
}
