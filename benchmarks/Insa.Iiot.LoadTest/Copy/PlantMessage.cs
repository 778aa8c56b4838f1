namespace Insa.Iiot.LoadTest.Copy;

/// <summary>What one device says at one instant.</summary>
/// <param name="Device">0 to <see cref="PlantSource.Devices"/> - 1, over all tenants.</param>
/// <param name="TimestampTicks">UTC.</param>
/// <param name="Values">One per metric.</param>
internal readonly record struct PlantMessage(int Device, long TimestampTicks, double[] Values)
{
    /// <summary>0 to <see cref="PlantSource.Tenants"/> - 1.</summary>
    public int Tenant => Device % PlantSource.Tenants;
}
