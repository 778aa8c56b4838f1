namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Knows the units and ranges of metrics.</summary>
internal interface IMetricCatalog
{
    /// <summary>Asked once per name, when a tenant's device has it first.</summary>
    /// <returns><see langword="null"/> if nothing is known.</returns>
    MetricDescription? Find(TenantId tenant, string metric);
}
