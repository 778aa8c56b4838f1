using Insa.Iiot;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>The way in to the family.</summary>
public static class IiotServiceCollectionExtensions
{
    /// <summary>Starts adding Insa.Iiot packages. Calling it twice is harmless.</summary>
    public static IiotBuilder AddIiot(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ITenantContextAccessor, TenantContextAccessor>();
        return new IiotBuilder(services);
    }
}
